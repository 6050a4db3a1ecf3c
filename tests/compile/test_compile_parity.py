from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from app.library import Library
from compile.booster import Model
from compile.parity import (
    SPECIAL,
    Answers,
    Oracle,
    Rows,
    check_parity,
    compare,
    derive_rows,
    feature_probes,
    measurement_probes,
    ulp_distance,
)
from compile.source import write_source
from compile.toolchain import build_library, find_compiler
from contract.features import MEASUREMENT_NAMES
from contract.manifest import CONTRACT
from contract.refusal import Refusal

Edit = Callable[[str], str]


def test_the_library_equals_xgboost(library: Library, model: Model, artifacts: Path) -> None:
    """Bit for bit on the training rows, 100,000 random ones, every threshold and every special value."""
    rows = np.loadtxt(artifacts / "training_rows.csv", delimiter=",", skiprows=1, usecols=range(4), dtype=np.float32)
    parity = check_parity(library, model, rows)
    assert parity.rows > 100_000 + len(rows)
    assert parity.worst_probability_ulp <= 1


def test_probes_cover_every_threshold_with_its_neighbours(model: Model) -> None:
    """For each split: the value itself, where the branch turns, and the float32 on each side."""
    probes = feature_probes(model)
    for feature, thresholds in model.thresholds.items():
        column = set(probes[:, feature].tolist())
        for threshold in thresholds:
            for value in (
                threshold,
                np.nextafter(threshold, np.float32(9e9)),
                np.nextafter(threshold, np.float32(-9e9)),
            ):
                assert float(value) in column
        assert set(SPECIAL[1:].tolist()) <= column
        assert np.isnan(probes[:, feature]).any()


def test_measurement_probes_put_every_special_value_in_every_place(model: Model) -> None:
    """NaN, infinities, zeros, denormals and the largest float32 in each of the four measurements."""
    probes = measurement_probes(model, None)
    for column in probes.T:
        assert np.isnan(column).any()
        assert set(SPECIAL[1:].tolist()) <= set(column.tolist())


any_float32 = npst.arrays(np.float32, (1, len(MEASUREMENT_NAMES)), elements=st.floats(width=32))


@given(any_float32)
def test_any_row_of_float32_answers_as_xgboost(library_once: Library, oracle: Oracle, row: Rows) -> None:
    """Whatever four float32 values are measured, margins have XGBoost's very bits."""
    expected = oracle.answer(derive_rows(CONTRACT, row))
    prediction = library_once.predict(row[0].tolist())
    assert np.array(library_once.margins, dtype=np.float32).tobytes() == expected.margins[0].tobytes()
    assert prediction.label == expected.labels[0]


@pytest.fixture(scope="module")
def library_once(image: bytes) -> Library:
    return Library(image)


@pytest.fixture(scope="module")
def oracle(model: Model) -> Oracle:
    return Oracle(model)


@pytest.mark.parametrize(
    "break_source",
    [
        pytest.param(lambda text: text.replace(".fvalue < ", ".fvalue <= ", 1), id="one comparison"),
        pytest.param(lambda text: text.replace("f;\n", ";\n"), id="sums in double precision"),
        pytest.param(lambda text: text.replace("result[0] += -", "result[0] += ", 1), id="one leaf"),
        pytest.param(lambda text: text.replace("data[4]", "data[5]", 1), id="one feature"),
    ],
)
def test_a_library_that_errs_is_refused(model: Model, tmp_path: Path, break_source: Edit) -> None:
    """The check finds one wrong comparison, leaf or feature among hundreds, and sums in another precision."""
    sources = write_source(model, tmp_path)
    main = tmp_path / "main.c"
    original = main.read_text()
    main.write_text(break_source(original))
    assert main.read_text() != original
    wrong = Library(build_library(find_compiler(), sources, tmp_path))
    with pytest.raises(Refusal, match="differs from XGBoost"):
        check_parity(wrong, model, None)


def answers(margin: float, probability: float, label: int) -> Answers:
    array = np.array([[margin]], dtype=np.float32)
    return Answers(array, np.array([[probability]], dtype=np.float32), np.array([label], dtype=np.int32))


def test_one_step_of_probability_is_allowed_and_two_are_not() -> None:
    """The exponential may come from another version of the C library."""
    one = float(np.nextafter(np.float32(0.5), np.float32(1)))
    two = float(np.nextafter(np.float32(one), np.float32(1)))
    row = np.zeros((1, 1), dtype=np.float32)
    assert compare(answers(1, 0.5, 0), answers(1, one, 0), row) == 1
    with pytest.raises(Refusal):
        compare(answers(1, 0.5, 0), answers(1, two, 0), row)
    with pytest.raises(Refusal):
        compare(answers(1, 0.5, 0), answers(1, 0.5, 1), row)
    with pytest.raises(Refusal):
        compare(answers(0.0, 0.5, 0), answers(-0.0, 0.5, 0), row)


@given(st.floats(width=32, min_value=-(2.0**120), max_value=2.0**120), st.integers(0, 40))
def test_distance_counts_float32_steps(start: float, steps: int) -> None:
    """Stepping n times with nextafter is a distance of n, across zero too."""
    first = np.array([start], dtype=np.float32)
    last = first
    for _ in range(steps):
        last = np.nextafter(last, np.float32(np.inf))
    assert ulp_distance(first, last)[0] == steps
