"""From a CSV and a model's answers to what the service and its owner get, for every kind of output."""

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from contract.manifest import encode
from contract.refusal import Refusal
from contract.schema import Contract, Input, Output
from contract.training import HoldOut
from contract.uncertainty import Uncertainty
from evaluation.holdout import evaluate
from evaluation.rows import HeldOutRows, read_rows

INPUTS = (Input("a"), Input("b", kind="boolean", missing=True))
MODEL = "0" * 64
FEW = ["prediction sets", "p-values", "distance"]  # what a few rows of classes do not give


def held_out(targets: npt.NDArray[np.int64] | npt.NDArray[np.float64], dropped: int = 0) -> HeldOutRows:
    """Return rows with these targets."""
    random = np.random.default_rng(0)
    rows = np.column_stack([random.normal(size=len(targets)), random.integers(0, 2, len(targets))])
    return HeldOutRows(rows.astype(np.float32), targets, "y", "f" * 64, len(targets) + dropped, dropped)


def numbers(rows: int, columns: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(1).normal(size=(rows, columns))


@pytest.mark.parametrize(
    ("output", "targets", "values", "has", "notices"),
    [
        (Output(classes=("n", "y")), np.arange(100) % 2, np.full((100, 2), 0.5), {"sets", "p-values", "distance"}, []),
        (Output("label", classes=("n", "y")), np.arange(100) % 2, np.ones((100, 1)), {"distance"}, ["prediction sets"]),
        (Output("number"), numbers(100, 1)[:, 0], np.zeros((100, 1)), {"widths", "distance"}, []),
        (Output("numbers", names=("x", "y")), numbers(100, 2), np.zeros((100, 2)), {"widths", "distance"}, []),
        (Output("numbers", names=("0.1", "0.9")), numbers(99, 1)[:, 0], np.zeros((99, 2)), {"distance"}, ["interval"]),
        (Output(classes=("n", "y")), np.arange(9) % 2, np.full((9, 2), 0.5), set(), FEW),
        (Output("number"), np.zeros(5), np.zeros((5, 1)), set(), ["interval", "distance"]),
    ],
    ids=["classes", "label", "number", "numbers", "quantiles", "few rows of classes", "few rows"],
)
def test_what_each_kind_of_output_gets(
    output: Output,
    targets: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    has: set[str],
    notices: list[str],
) -> None:
    """Each kind has its parts, one line for each part that is missing, and results that survive JSON."""
    contract = Contract("t", INPUTS, output)
    uncertainty, found, told = evaluate(contract, MODEL, held_out(targets), values.astype(np.float32))
    assert (uncertainty is None) == (not has)
    if uncertainty:
        parts = {
            "sets": uncertainty.set_thresholds,
            "p-values": uncertainty.calibration,
            "widths": uncertainty.half_widths,
            "distance": uncertainty.inputs,
        }
        assert {name for name, part in parts.items() if part} == has
        assert (uncertainty.distance_limit is not None) == ("distance" in has)
        assert set(uncertainty.evidence.coverage) == (set(output.values) if has - {"distance"} else set())
        assert msgspec.json.decode(encode(uncertainty), type=Uncertainty) == uncertainty
    assert [line.partition(":")[0] for line in told] == [f"no {part}" for part in notices]
    assert all(line.count("\n") == 0 for line in told)
    assert found.figures
    assert msgspec.json.decode(encode(found), type=HoldOut) == found


def test_the_hold_out_names_its_file_and_model() -> None:
    """The digests, the target, the rows that were used, and a baseline of inputs and answers."""
    contract = Contract("t", INPUTS, Output("number"))
    found = evaluate(contract, MODEL, held_out(numbers(50, 1)[:, 0], 3), np.zeros((50, 1), np.float32))[1]
    assert (found.rows_sha256, found.model_sha256, found.target, found.rows) == ("f" * 64, MODEL, "y", 50)
    assert found.drift_baseline is not None
    assert set(found.drift_baseline.variables) == {"a", "b", "prediction"}


def test_dropped_rows_are_told() -> None:
    """One line says how many rows had no target."""
    contract = Contract("t", INPUTS, Output("number"))
    notices = evaluate(contract, MODEL, held_out(numbers(100, 1)[:, 0], 1900), np.zeros((100, 1), np.float32))[2]
    assert notices == ("left out 1,900 of 2,000 rows, which have no value in 'y'",)


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    """From the file on, two evaluations are equal, byte for byte."""
    file = tmp_path / "rows.csv"
    file.write_text("a,b,y\n" + "".join(f"{place % 17},{place % 2},{place % 3}\n" for place in range(200)))
    contract = Contract("t", INPUTS, Output("number"))
    results = []
    for _ in range(2):
        rows = read_rows(file, contract, "y")
        uncertainty, found, notices = evaluate(contract, MODEL, rows, (rows.rows[:, :1] / 8).astype(np.float32))
        assert uncertainty
        results.append((encode(uncertainty), encode(found), notices))
    assert results[0] == results[1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_answers_that_are_not_finite_are_refused(value: float) -> None:
    """A model that answers with infinity has no figures."""
    values = np.zeros((50, 1), np.float32)
    values[:2] = value
    with pytest.raises(Refusal, match="found 2 rows without"):
        evaluate(Contract("t", INPUTS, Output("number")), MODEL, held_out(np.zeros(50)), values)


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, np.nan])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    """The level is between 0 and 1."""
    with pytest.raises(Refusal, match="expected a level between 0 and 1, found"):
        evaluate(
            Contract("t", INPUTS, Output("number")), MODEL, held_out(np.zeros(50)), np.zeros((50, 1), np.float32), level
        )


def test_answers_of_another_shape_are_an_error() -> None:
    """Answers to other rows are an error of the program."""
    with pytest.raises(ValueError, match="expected values of 50 rows"):
        evaluate(Contract("t", INPUTS, Output("number")), MODEL, held_out(np.zeros(50)), np.zeros((49, 1), np.float32))
