"""ONNX Runtime, with the model that onnxmltools converts."""

import hashlib
from pathlib import Path

import onnxmltools
import onnxruntime
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from benchmarks.contenders.entry import Entry, by_probabilities
from benchmarks.contenders.models import Model, Rows
from contract.files import write_atomically

NAME = "onnxruntime"
OPSET = 15


def prepare(model: Model, _rows: int) -> Entry:
    """Prepare the converted model: it answers both of two classes, and XGBoost answers the second."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    run, first = onnxruntime.InferenceSession(_converted(model), options).run, int(model.library.outputs == 1)

    def ask(features: Rows) -> Rows:
        found: Rows = run(["probabilities"], {"features": features})[0]
        return found[:, first:]

    return by_probabilities(model, ask)


def _converted(model: Model) -> bytes:
    """Return the converted model, which is kept: the converter is slow."""
    key = hashlib.sha256(model.path.read_bytes() + onnxmltools.__version__.encode()).hexdigest()[:12]
    path = model.cache / f"{key}.onnx"
    if not path.exists():
        write_atomically(path, _convert(model.path))
    return path.read_bytes()


def _convert(path: Path) -> bytes:
    """Convert a copy without names of features: the converter knows them by number only."""
    nameless = xgboost.Booster({"nthread": 1})
    nameless.load_model(path)
    nameless.feature_names = None
    inputs = [("features", FloatTensorType([None, nameless.num_features()]))]
    data: bytes = onnxmltools.convert_xgboost(nameless, initial_types=inputs, target_opset=OPSET).SerializeToString()
    return data
