from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from app.library import Library
from app.predict import predictor
from app.serving import Served, Serving
from compile.booster import Model
from compile.judgements import check_judgements, judge
from compile.parity import certify
from compile.probes import Rows
from contract.manifest import CONTRACT
from contract.refusal import Refusal
from contract.species import SPECIES
from tests.commands import EXAMPLE
from tests.compile.building import WALK, built
from tests.compile.test_compile_parity import edit


@pytest.fixture(scope="module")
def judging(image: bytes) -> Library:
    return Library(image)


@given(npst.arrays(np.float32, (1, len(CONTRACT.measurements)), elements=st.floats(width=32)))
def test_any_row_is_judged_as_numpy_does(judging: Library, model: Model, row: Rows) -> None:
    """Distances have the very bits of float32 arithmetic in numpy, whatever is measured; missing is far away."""
    assert model.reference
    assert check_judgements(judging, model.reference, row) == 1
    if np.isnan(row).any():
        assert judging.predict(tuple(row[0].tolist()))[3:] == (False, np.inf)


def test_the_distance_is_that_of_double_precision(judging: Library, model: Model, artifacts: Path) -> None:
    """On the birds, to a few parts in a million: rounding to float32 costs nothing that matters."""
    assert model.reference
    rows = np.loadtxt(artifacts / "training_rows.csv", delimiter=",", skiprows=1, usecols=range(4), dtype=np.float32)
    found = np.array([judging.predict(tuple(row))[4] for row in rows.tolist()])
    each = []
    for gaussian in model.reference.gaussians.values():
        whitening = np.zeros((len(gaussian.mean),) * 2)
        for i, weights in enumerate(gaussian.whitening):
            whitening[i, : i + 1] = weights
        each.append(np.linalg.norm((rows.astype(np.float64) - gaussian.mean) @ whitening.T, axis=1))
    assert found == pytest.approx(np.min(each, axis=0), rel=1e-5)


@pytest.mark.parametrize(
    "break_source",
    [
        pytest.param(edit("model.h", "(measurement[0] - ", "(measurement[1] - "), id="one measurement"),
        pytest.param(edit("model.h", "    squared[1] = ", "    squared[0] = "), id="one species"),
        pytest.param(edit("reference.h", "squared[i] < least", "squared[i] > least"), id="the nearest"),
        pytest.param(edit("reference.h", "probability[i] >= ", "probability[i] > "), id="at the threshold"),
        pytest.param(edit("reference.h", "distance <= ", "distance >= "), id="the limit"),
        pytest.param(edit("reference.h", "sqrtf(least)", "(float)sqrt(least) * 1.0000001f"), id="the last bit"),
        pytest.param(edit("model.h", "#define REFERENCE 1", "#define REFERENCE 0"), id="left out"),
    ],
)
def test_a_reference_that_errs_is_refused(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_source: Callable[[Path], None]
) -> None:
    """The check finds one wrong operand, comparison or bit."""
    monkeypatch.setattr("compile.probes.RANDOM_ROWS", 5_000)
    monkeypatch.setattr("compile.probes.CONTEXTS", 1)
    wrong = Library(built(model, tmp_path, WALK, break_source))
    with pytest.raises(Refusal, match=r"the compiled reference differs from numpy|another reference"):
        certify(wrong, model, None)


def test_without_a_reference_answers_have_less(model: Model, tmp_path: Path) -> None:
    """A model that came alone still predicts; the service leaves out what it cannot know."""
    alone = Library(built(msgspec.structs.replace(model, reference=None), tmp_path, WALK), SPECIES)
    assert not alone.has_reference
    *_, members, inside, distance = alone.predict(tuple(map(float, EXAMPLE.values())))
    assert (members, inside) == (0, False)
    assert np.isnan(distance)
    document = msgspec.json.decode(predictor(Serving(Served(alone, "")))(msgspec.json.encode(EXAMPLE)).body)
    assert set(document) == {"prediction", "species", "probabilities"}


@given(npst.arrays(np.float32, (3, len(SPECIES)), elements=st.floats(0, 1, width=32)))
def test_a_set_has_who_reaches_its_threshold(model: Model, probabilities: Rows) -> None:
    """The species themselves, one by one."""
    assert model.reference
    found = judge(model.reference, np.ones((3, 4), np.float32), probabilities).sets
    for bits, shares in zip(found.tolist(), probabilities.tolist(), strict=True):
        members = {species for i, species in enumerate(SPECIES) if bits >> i & 1}
        assert members == {s for s, p in zip(SPECIES, shares, strict=True) if p >= model.reference.set_thresholds[s]}


def test_rows_of_another_size_are_refused(judging: Library) -> None:
    """Nothing is read beyond what was given."""
    with pytest.raises(ValueError, match="2 rows of 4 float32 are not 16 bytes"):
        judging.judge_rows(bytes(16), bytes(24), 2)
