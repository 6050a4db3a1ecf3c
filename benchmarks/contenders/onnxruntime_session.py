"""ONNX Runtime, on the model as onnxmltools converts it."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import onnxmltools
import onnxruntime
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from benchmarks.bodies import most_probable, plain_service
from benchmarks.entry import Entry
from benchmarks.models import Model, Rows
from contract.files import write_atomically

NAME = "onnxruntime"
VERSION: str = onnxruntime.__version__
OPSET = 15


def prepare(model: Model, _rows: int) -> Entry:
    """Of two classes the converter answers both."""
    ask, features = _session(model), model.features
    if model.library.outputs > 1:
        return Entry(lambda inputs: ask(features(inputs)))
    return Entry(lambda inputs: ask(features(inputs))[:, 1])


def serve(model: Model) -> Entry:
    """One JSON body."""
    return plain_service(most_probable(_session(model)))


def _session(model: Model) -> Callable[[Rows], Rows]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    run = onnxruntime.InferenceSession(_converted(model), options).run

    def ask(features: Rows) -> Rows:
        found: Rows = run(["probabilities"], {"features": features})[0]
        return found

    return ask


def _converted(model: Model) -> bytes:
    """The converter is slow: its model is kept."""
    key = hashlib.sha256(model.path.read_bytes() + onnxmltools.__version__.encode()).hexdigest()[:12]
    path = model.cache / f"{key}.onnx"
    if not path.exists():
        write_atomically(path, _convert(model.path))
    return path.read_bytes()


def _convert(path: Path) -> bytes:
    """The converter knows features by number only, so it gets a copy without their names."""
    nameless = xgboost.Booster({"nthread": 1})
    nameless.load_model(path)
    nameless.feature_names = None
    inputs = [("features", FloatTensorType([None, nameless.num_features()]))]
    converted = onnxmltools.convert_xgboost(nameless, initial_types=inputs, target_opset=OPSET)
    data: bytes = converted.SerializeToString()
    return data
