from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from binding.library import Library
from compile.certification.oracle import Answers, BoosterOracle
from compile.certification.parity import WRAPPER_ROWS, certify, compare, ulp_distance
from compile.certification.probes import CONTEXTS, SPECIAL, Rows, derive_rows, feature_probes, special_inputs
from compile.reading.booster import CompilableModel
from contract.manifest import Tuning
from contract.reading import PENGUINS, read_contract
from contract.refusal import Refusal
from tests.compile.editing import edit
from tests.support.libraries import TL2CGEN, WALK, built

CONTRACT = read_contract(PENGUINS)


def test_the_library_equals_xgboost(library: Library, model: CompilableModel, artifacts: Path) -> None:
    """The library equals XGBoost bit for bit on training rows, random rows and special values."""
    rows = np.loadtxt(artifacts / "training_rows.csv", delimiter=",", skiprows=1, usecols=range(4), dtype=np.float32)
    asked, worst, _, wrapped = certify(library, model, rows)
    assert asked["random"] >= 100_000
    assert asked["training"] == len(rows) == 342
    assert asked["thresholds"] >= CONTEXTS * 3 * max(map(len, model.thresholds.values()))
    assert worst <= 1
    assert wrapped >= asked["training"] + asked["thresholds"] + asked["special values"] + WRAPPER_ROWS


def test_probes_cover_every_threshold_with_its_neighbours(model: CompilableModel) -> None:
    """Probes have every threshold and the float32 values beside it."""
    probes = np.concatenate(list(feature_probes(model)))
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


def test_probes_put_every_special_value_in_every_place(model: CompilableModel) -> None:
    """Probes put every special value into each input."""
    probes = np.concatenate(list(special_inputs(model)))
    for column in probes.T:
        assert np.isnan(column).any()
        assert set(SPECIAL[1:].tolist()) <= set(column.tolist())


any_float32 = npst.arrays(np.float32, (1, len(CONTRACT.inputs)), elements=st.floats(width=32))


@given(any_float32)
def test_any_row_of_float32_answers_as_xgboost(library_once: Library, oracle: BoosterOracle, row: Rows) -> None:
    """Any float32 row gets XGBoost's bits."""
    expected = oracle.answer(derive_rows(CONTRACT, row))
    label = library_once.predict(tuple(row[0].tolist()))[0]
    assert np.array(library_once.margins, dtype=np.float32).tobytes() == expected.margins[0].tobytes()
    assert label == expected.labels[0]
    for instruction_set in range(library_once.instruction_sets):
        batch = library_once.predict_rows(row.tobytes() * 20, 0, 20, instruction_set)
        assert batch.margins == expected.margins[0].tobytes() * 20


@pytest.fixture(scope="module")
def library_once(image: bytes) -> Library:
    return Library(image)


@pytest.fixture(scope="module")
def oracle(model: CompilableModel) -> BoosterOracle:
    return BoosterOracle(model)


FIRST_THRESHOLD = "const float THRESHOLDS[] = {\n0x1."


@pytest.mark.parametrize(
    ("tuning", "break_source"),
    [
        pytest.param(TL2CGEN, edit("main.c", ".fvalue < ", ".fvalue <= "), id="one comparison"),
        pytest.param(TL2CGEN, edit("main.c", "result[0] += -", "result[0] += "), id="one leaf"),
        pytest.param(TL2CGEN, edit("main.c", "data[4]", "data[5]"), id="one feature"),
        pytest.param(WALK, edit("model_data.h", "< float_of", "<= float_of"), id="the walk's comparison"),
        pytest.param(WALK, edit("model_data.h", "!(value < ", "(value >= "), id="the walk's NaN"),
        pytest.param(TL2CGEN, edit("planes.h", "_CMP_GE_OQ", "_CMP_GT_OQ", -1), id="the vectors' comparison"),
        pytest.param(
            TL2CGEN,
            edit("model_data.c", FIRST_THRESHOLD, FIRST_THRESHOLD + "8"),
            id="one threshold",
        ),
        pytest.param(
            TL2CGEN,
            edit("rows.c", ": INFINITY;", ": value[j];"),
            id="missing values of blocks",
        ),
        pytest.param(WALK, edit("columns.c", ": NAN;", ": 0.0f;"), id="missing values of columns"),
        pytest.param(WALK, edit("columns.c", "column->offset + first", "first"), id="the first row of columns"),
    ],
)
def test_a_library_that_errs_is_refused(
    model: CompilableModel, tmp_path: Path, tuning: Tuning, break_source: Callable[[Path], None]
) -> None:
    """The check finds one wrong comparison, leaf, feature or threshold through every entry."""
    wrong = Library(built(model, tmp_path, tuning, break_source))
    with pytest.raises(Refusal, match="differs from XGBoost"):
        certify(wrong, model, None)


def test_sums_in_double_precision_are_refused(model: CompilableModel, tmp_path: Path) -> None:
    """tl2cgen's unchanged C is refused, because it sums in double precision."""

    def restore_doubles(directory: Path) -> None:
        path = directory / "main.c"
        path.write_text(path.read_text().replace("f;\n", ";\n"))

    with pytest.raises(Refusal, match="differs from XGBoost"):
        certify(Library(built(model, tmp_path, TL2CGEN, restore_doubles)), model, None)


def answers(margin: float, value: float, label: int) -> Answers:
    array = np.array([[margin]], dtype=np.float32)
    return Answers(array, np.array([[value]], dtype=np.float32), np.array([label], dtype=np.int32))


def test_one_step_of_a_value_is_allowed_and_two_are_not() -> None:
    """A value may differ by one float32 step and not by two."""
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


def test_the_first_of_two_classes_has_what_the_second_leaves() -> None:
    """The first probability must be 1 less the second, whatever a step of that is."""
    row, margins, labels = np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32), np.ones(1, np.int32)
    share = np.nextafter(np.float32(1), np.float32(0))
    step = np.nextafter(share, np.float32(0))
    expected = Answers(margins, np.array([[1 - share, share]], np.float32), labels)
    assert compare(expected, Answers(margins, np.array([[1 - step, step]], np.float32), labels), row) == 1
    with pytest.raises(Refusal):
        compare(expected, Answers(margins, np.array([[1 - share, step]], np.float32), labels), row)


@given(st.floats(width=32, min_value=-(2.0**120), max_value=2.0**120), st.integers(0, 40))
def test_distance_counts_float32_steps(start: float, steps: int) -> None:
    """The distance counts steps of nextafter, across zero too."""
    first = np.array([start], dtype=np.float32)
    last = first
    for _ in range(steps):
        last = np.nextafter(last, np.float32(np.inf))
    assert ulp_distance(first, last)[0] == steps
