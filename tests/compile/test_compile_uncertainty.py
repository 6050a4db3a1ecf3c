from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from app.answers.predict import predictor
from app.model.serving import Served, Serving
from binding.library import Library
from compile.certification.judgements import check_judgements, judge
from compile.certification.parity import certify
from compile.certification.probes import Rows
from compile.reading.booster import CompilableModel
from contract.manifest import CONTRACT
from contract.refusal import Refusal
from contract.species import SPECIES
from tests.compile.editing import edit
from tests.support.commands import EXAMPLE
from tests.support.libraries import WALK, built


@pytest.fixture(scope="module")
def judging(image: bytes) -> Library:
    return Library(image)


@given(npst.arrays(np.float32, (1, len(CONTRACT.measurements)), elements=st.floats(width=32)))
def test_any_row_is_judged_as_numpy_does(judging: Library, model: CompilableModel, row: Rows) -> None:
    """Any row's distance has the bits of numpy's float32 arithmetic."""
    assert model.uncertainty is not None
    assert check_judgements(judging, model.uncertainty, row, row) == 1
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


@pytest.mark.parametrize(
    "break_source",
    [
        pytest.param(edit("model.h", "(present(measurement[0])", "(present(measurement[1])"), id="one measurement"),
        pytest.param(edit("model.h", "    squared[1] = ", "    squared[0] = "), id="one species"),
        pytest.param(edit("reference.h", "squared[i] < least", "squared[i] > least"), id="the nearest"),
        pytest.param(edit("reference.h", "probability[i] >= ", "probability[i] > "), id="at the threshold"),
        pytest.param(edit("reference.h", "distance <= ", "distance >= "), id="the limit"),
        pytest.param(edit("reference.h", "sqrtf(least)", "(float)sqrt(least) * 1.0000001f"), id="the last bit"),
        pytest.param(edit("model.h", "#define REFERENCE 1", "#define REFERENCE 0"), id="left out"),
    ],
)
def test_a_reference_that_errs_is_refused(
    model: CompilableModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_source: Callable[[Path], None]
) -> None:
    """The check finds one wrong operand, comparison or bit of a reference."""
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 5_000)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", 1)
    wrong = Library(built(model, tmp_path, WALK, break_source))
    with pytest.raises(Refusal, match=r"distances and prediction sets differ from numpy|do not agree on whether"):
        certify(wrong, model, None)


def test_without_a_reference_answers_have_less(model: CompilableModel, tmp_path: Path) -> None:
    """A model without a reference predicts, and its answers have less."""
    alone = Library(built(msgspec.structs.replace(model, uncertainty=None), tmp_path, WALK), SPECIES)
    assert not alone.has_uncertainty
    *_, members, inside, distance = alone.predict(tuple(map(float, EXAMPLE.values())))
    assert (members, inside) == (0, False)
    assert np.isnan(distance)
    document = msgspec.json.decode(predictor(Serving(Served(alone, "")))(msgspec.json.encode(EXAMPLE)).body)
    assert set(document) == {"prediction", "species", "probabilities"}


@given(npst.arrays(np.float32, (3, len(SPECIES)), elements=st.floats(0, 1, width=32)))
def test_a_set_has_who_reaches_its_threshold(model: CompilableModel, probabilities: Rows) -> None:
    """A set has exactly the species that reach their thresholds."""
    assert model.uncertainty is not None
    found = judge(model.uncertainty, np.ones((3, 4), np.float32), probabilities).sets
    for bits, shares in zip(found.tolist(), probabilities.tolist(), strict=True):
        members = {species for i, species in enumerate(SPECIES) if bits >> i & 1}
        assert members == {s for s, p in zip(SPECIES, shares, strict=True) if p >= model.uncertainty.set_thresholds[s]}


def test_rows_of_another_size_are_refused(judging: Library) -> None:
    """Rows of another size are refused."""
    with pytest.raises(ValueError, match="2 rows of 4 float32 are not 16 bytes"):
        judging.judge_rows(bytes(16), bytes(24), 2)
