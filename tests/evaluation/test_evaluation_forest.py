from pathlib import Path

import msgspec
import numpy as np

from contract.trees import Forest
from evaluation.forest import Evaluator
from score.bundle import Bundle
from train.penguins import load


def test_answers_are_those_of_the_library(bundle: Bundle, bundle_path: Path) -> None:
    """Margins have the library's bits, which are XGBoost's; probabilities are off by the rounding of a float32."""
    forest = msgspec.json.decode((bundle_path / "trees.json").read_bytes(), type=Forest)
    evaluator, rows = Evaluator(bundle.contract, forest), load().measurements
    batch = bundle.library.predict_rows(rows.tobytes(), 0, len(rows))
    assert evaluator.margins(rows).tobytes() == bytes(batch.margins)
    shares = np.frombuffer(batch.values, np.float32).reshape(len(rows), -1)
    assert np.abs(evaluator.probabilities(rows) - shares).max() < 1e-6
