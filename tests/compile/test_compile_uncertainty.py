import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from binding.library import Library
from compile.certification.judgements import check_judgements, judge
from compile.certification.parity import certify
from compile.certification.probes import Rows
from compile.reading.booster import CompilableModel
from compile.uncertainty import misfit
from contract.format_2 import CONTRACT
from contract.refusal import Refusal
from contract.uncertainty import Gaussian
from tests.compile.editing import edit
from tests.support.commands import EXAMPLE
from tests.support.libraries import WALK, built

CLASSES = CONTRACT.output.classes


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 5_000)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", 1)
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")


@pytest.fixture(scope="module")
def judging(image: bytes) -> Library:
    return Library(image)


@given(npst.arrays(np.float32, (1, len(CONTRACT.inputs)), elements=st.floats(width=32)))
def test_any_row_is_judged_as_numpy_does(judging: Library, model: CompilableModel, row: Rows) -> None:
    """Any row's distance has the bits of numpy's float32 arithmetic."""
    assert check_judgements(judging, model, row, row) == 1
    if np.isnan(row).any():
        assert judging.predict(tuple(row[0].tolist()))[3:] == (False, np.inf)


def test_the_distance_is_that_of_double_precision(judging: Library, model: CompilableModel, artifacts: Path) -> None:
    """Distances of the birds agree with double precision to a few parts in a million."""
    assert model.uncertainty is not None
    rows = np.loadtxt(artifacts / "training_rows.csv", delimiter=",", skiprows=1, usecols=range(4), dtype=np.float32)
    found = np.array([judging.predict(tuple(row))[4] for row in rows.tolist()])
    each = []
    for gaussian in model.uncertainty.gaussians.values():
        whitening = np.zeros((len(gaussian.mean),) * 2)
        for i, weights in enumerate(gaussian.whitening):
            whitening[i, : i + 1] = weights
        each.append(np.linalg.norm((rows.astype(np.float64) - gaussian.mean) @ whitening.T, axis=1))
    assert found == pytest.approx(np.min(each, axis=0), rel=1e-5)


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize(
    "break_source",
    [
        pytest.param(edit("model.h", "KNOWN[KNOWN_COUNT] = {0, 1,", "KNOWN[KNOWN_COUNT] = {1, 0,"), id="one input"),
        pytest.param(edit("reference.h", "g < GAUSSIAN_COUNT", "g < GAUSSIAN_COUNT - 1"), id="one class"),
        pytest.param(edit("reference.h", "squared < least", "squared > least"), id="the nearest"),
        pytest.param(edit("reference.h", "value[class] >= ", "value[class] > "), id="at the threshold"),
        pytest.param(edit("python.c", "members[count] = i", "members[count] = 0"), id="the names of a set"),
        pytest.param(edit("reference.h", "distance <= ", "distance >= "), id="the limit"),
        pytest.param(edit("reference.h", "sqrtf(least)", "(float)sqrt(least) * 1.0000001f"), id="the last bit"),
        pytest.param(edit("model.h", "#define REFERENCE 1", "#define REFERENCE 0"), id="left out"),
    ],
)
def test_a_reference_that_errs_is_refused(
    model: CompilableModel, tmp_path: Path, break_source: Callable[[Path], None]
) -> None:
    """The check finds one wrong operand, comparison or bit of a reference."""
    wrong = Library(built(model, tmp_path, WALK, break_source))
    with pytest.raises(Refusal, match=r"distances and prediction sets differ from numpy|do not agree on whether"):
        certify(wrong, model, None)


def test_without_a_reference_answers_have_less(model: CompilableModel, tmp_path: Path) -> None:
    """A model without a reference predicts, and its answers have less."""
    alone = Library(built(msgspec.structs.replace(model, uncertainty=None), tmp_path, WALK), CLASSES)
    assert not alone.has_uncertainty
    *_, members, inside, distance = alone.predict(tuple(map(float, EXAMPLE.values())))
    assert (members, inside) == ([], False)
    assert np.isnan(distance)


@given(npst.arrays(np.float32, (3, len(CLASSES)), elements=st.floats(0, 1, width=32)))
def test_a_set_has_who_reaches_its_threshold(model: CompilableModel, probabilities: Rows) -> None:
    """A set has exactly the species that reach their thresholds."""
    assert model.uncertainty is not None
    found = judge(model.uncertainty, CONTRACT, np.ones((3, 4), np.float32), probabilities).sets
    for flags, shares in zip(found.tolist(), probabilities.tolist(), strict=True):
        members = {species for species, flag in zip(CLASSES, flags, strict=True) if flag}
        assert members == {s for s, p in zip(CLASSES, shares, strict=True) if p >= model.uncertainty.set_thresholds[s]}


NONE: dict[str, Any] = {"gaussians": {}, "distance_limit": None}


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize(
    "without",
    [
        pytest.param(NONE, id="sets alone"),
        pytest.param({"set_thresholds": {}, "conformal_thresholds": {}}, id="distances alone"),
        pytest.param({**NONE, "set_thresholds": {}, "conformal_thresholds": {}}, id="neither"),
    ],
)
def test_sets_and_distances_do_not_need_each_other(
    model: CompilableModel, tmp_path: Path, without: dict[str, Any]
) -> None:
    """A library judges by sets alone, by distances alone, or by neither."""
    assert model.uncertainty is not None
    half = msgspec.structs.replace(model, uncertainty=msgspec.structs.replace(model.uncertainty, **without))
    library = Library(built(half, tmp_path, WALK), CLASSES)
    assert certify(library, half, None).judged > 5_000
    assert library.has_uncertainty
    *_, members, inside, distance = library.predict(tuple(map(float, EXAMPLE.values())))
    assert members == ([] if "set_thresholds" in without else ["Adelie"])
    assert np.isnan(distance) == ("gaussians" in without)
    assert inside == ("gaussians" not in without)


@pytest.mark.parametrize(
    ("calibration", "complaint"),
    [
        ({"Gentoo": (0.5,)}, "expected calibration of Gentoo, Chinstrap, Adelie, found Gentoo"),
        (dict.fromkeys(CLASSES, ()), "calibration of Gentoo as probabilities in ascending order"),
        ({**dict.fromkeys(CLASSES, (0.5,)), "Adelie": (0.5, 0.25)}, "calibration of Adelie as probabilities"),
        (dict.fromkeys(CLASSES, (0.5, 1.5)), "calibration of Gentoo as probabilities"),
        (dict.fromkeys(CLASSES, (-0.5, 0.5)), "calibration of Gentoo as probabilities"),
    ],
)
def test_a_calibration_that_is_none_is_found(
    model: CompilableModel, calibration: dict[str, tuple[float, ...]], complaint: str
) -> None:
    """What p-values are made from belongs to the classes, and is searched: so it must be in order."""
    assert model.uncertainty is not None
    assert misfit(model.uncertainty, CONTRACT) is None
    found = misfit(msgspec.structs.replace(model.uncertainty, calibration=calibration), CONTRACT)
    assert found is not None
    assert complaint in found


@pytest.mark.usefixtures("few_rows")
def test_a_distance_may_be_of_some_inputs_and_of_all_rows(model: CompilableModel, tmp_path: Path) -> None:
    """One Gaussian of all rows, over inputs in another order, is judged as numpy does."""
    assert model.uncertainty is not None
    all_rows = {"rows": Gaussian((4000.0, 40.0), ((0.002,), (-0.01, 0.3)))}
    uncertainty = msgspec.structs.replace(
        model.uncertainty, gaussians=all_rows, inputs=("body_mass_g", "bill_length_mm"), distance_limit=1.5
    )
    assert misfit(uncertainty, CONTRACT) is None
    wrong = msgspec.structs.replace(model, uncertainty=uncertainty)
    library = Library(built(wrong, tmp_path, WALK), CLASSES)
    assert certify(library, wrong, None).judged > 5_000
    near, far = library.predict((40, 15, 200, 4000)), library.predict((40, 15, 200, 5000))
    assert near[3:] == (True, 0.0)
    assert far[3] is False
    assert far[4] == pytest.approx(math.hypot(2.0, 10.0), rel=1e-6)
    assert library.predict((40, None, None, 4000))[3:] == (True, 0.0)
    assert library.predict((None, 15, 200, 4000))[3:] == (False, math.inf)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"set_thresholds": {"Gentoo": 0.1}}, "expected set_thresholds of Gentoo, Chinstrap, Adelie, found Gentoo"),
        ({"half_widths": {"prediction": 1.0}}, "expected half_widths of none, found prediction"),
        ({"gaussians": {"cows": Gaussian((1.0,), ((1.0,),))}}, "or rows, found cows"),
        ({"gaussians": {"rows": Gaussian((1.0,), ((1.0,),))}}, "expected a Gaussian of 4 inputs for rows"),
        ({"inputs": ("bill_length_mm", "tail_mm")}, "expected inputs of the contract, each once, found tail_mm"),
        ({"inputs": ("bill_length_mm",) * 2}, "each once, found bill_length_mm, bill_length_mm"),
        ({"distance_limit": None}, "gaussians and a distance_limit, or neither"),
    ],
)
def test_what_does_not_fit_the_contract_is_named(model: CompilableModel, change: dict[str, Any], told: str) -> None:
    """What belongs to another contract is named."""
    assert model.uncertainty is not None
    assert misfit(model.uncertainty, CONTRACT) is None
    assert told in str(misfit(msgspec.structs.replace(model.uncertainty, **change), CONTRACT))


def test_rows_of_another_size_are_refused(judging: Library) -> None:
    """Rows of another size are refused."""
    with pytest.raises(ValueError, match="2 rows of 4 float32 are not 16 bytes"):
        judging.judge_rows(bytes(16), bytes(24), 2)
