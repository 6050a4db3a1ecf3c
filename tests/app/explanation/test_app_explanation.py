"""Where an answer turns, what each feature contributes, and what survives measurement error."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from app.answers.explain import explain
from app.explanation.explainer import Explainer
from app.explanation.flips import float32
from app.model.bundle import Bundle
from binding.library import Library
from compile.forest import forest_file
from compile.reading.booster import CompilableModel, read_model
from contract.features import FEATURE_NAMES
from contract.measurements import MEASUREMENTS, Measurements
from contract.species import SPECIES
from contract.trees import TREES_FILE
from tests.support.commands import EXAMPLE
from tests.support.libraries import WALK, built
from train.features import features
from train.penguins import load

Row = tuple[float, ...]


class Explained(NamedTuple):
    """A model and what explains it."""

    library: Library
    explainer: Explainer
    booster: xgboost.Booster

    def label(self, row: Row) -> int:
        return self.library.predict(row)[0]


def grow(path: Path, depth: int, rounds: int) -> Path:
    """Train a model of deeper trees on labels with noise."""
    birds = load()
    noise = np.random.default_rng(1).random(len(birds.labels)) < 0.2
    labels = np.where(noise, (birds.labels + 1) % 3, birds.labels)
    parameters = {"objective": "multi:softprob", "num_class": 3, "max_depth": depth, "subsample": 0.7, "seed": 1}
    matrix = xgboost.DMatrix(features(birds.measurements), labels, feature_names=list(FEATURE_NAMES))
    xgboost.train(parameters, matrix, rounds).save_model(path)
    return path


@pytest.fixture(scope="module", params=["trained", "deep"])
def explained(request: pytest.FixtureRequest, model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Explained:
    directory = tmp_path_factory.mktemp("explained")
    path = model_path if request.param == "trained" else grow(directory / "model.json", 5, 8)
    model: CompilableModel = read_model(path)
    library = Library(built(model, directory / "c", WALK), SPECIES)
    return Explained(library, Explainer(library, forest_file(model)[TREES_FILE]), model.booster)


rows = st.tuples(*(st.floats(measurement.minimum, measurement.maximum, width=32) for measurement in MEASUREMENTS))
# Of birds between two species, where answers turn soonest.
birds = st.tuples(*(st.floats(*measurement.typical, width=32) for measurement in MEASUREMENTS))


@settings(max_examples=60)
@given(rows | birds, st.integers(0, 1 << 32))
def test_an_answer_turns_where_it_is_said_to(explained: Explained, row: Row, seed: int) -> None:
    """The label turns at the stated value and at no float32 value nearer; null means nowhere."""
    label, chance = explained.label(row), np.random.default_rng(seed)
    for place, measurement in enumerate(MEASUREMENTS):
        flips = explained.explainer.flips.of(row, place)
        for flip, bound in zip(flips, (measurement.minimum, measurement.maximum), strict=True):
            end = bound
            if flip is not None:
                assert measurement.minimum <= flip.value <= measurement.maximum
                assert explained.label(moved(row, place, flip.value)) == flip.label != label
                end = float(np.nextafter(np.float32(flip.value), np.float32(row[place])))
            for share in (0.0, 1.0, *(chance.random() for _ in range(60))):
                between = float32(row[place] + share * (end - row[place]))
                assert explained.label(moved(row, place, between)) == label


def moved(row: Row, place: int, value: float) -> Row:
    return (*row[:place], value, *row[place + 1 :])


@settings(max_examples=60)
@given(rows | birds)
def test_contributions_are_xgboost_s(explained: Explained, row: Row) -> None:
    """Contributions equal XGBoost's within 1e-5 and sum to the margin."""
    seen = features(np.array([row], np.float32))
    matrix = xgboost.DMatrix(seen, feature_names=list(FEATURE_NAMES))
    expected = explained.booster.predict(matrix, pred_contribs=True)[0]
    found = explained.explainer.contributions.of(seen[0].tolist())
    assert np.abs(np.array(found) - expected).max() < 1e-5
    explained.library.predict(row)
    assert [sum(parts) for parts in found] == pytest.approx(explained.library.margins, abs=1e-5)


@settings(max_examples=60)
@given(birds, st.integers(0, 1 << 32))
def test_what_survives_measurement_error(explained: Explained, row: Row, seed: int) -> None:
    """True means that no bird nearby gets another answer; no single measurement contradicts it."""
    answer, chance = explain(explained.explainer, Measurements(*row)), np.random.default_rng(seed)
    singly = [getattr(answer.measurements, measurement.name).survives for measurement in MEASUREMENTS]
    if answer.survives_measurement_error:
        assert all(singly)
        for _ in range(100):
            near = tuple(
                min(max(value + chance.uniform(-1, 1) * measurement.error, measurement.minimum), measurement.maximum)
                for value, measurement in zip(row, MEASUREMENTS, strict=True)
            )
            assert explained.label(near) == answer.prediction
    if not all(singly):
        assert not answer.survives_measurement_error


def test_most_birds_have_a_clear_answer(explained: Explained) -> None:
    """At most a quarter of the birds leave the question open."""
    found = [
        explain(explained.explainer, Measurements(*map(float, row))).survives_measurement_error
        for row in load().measurements[::10]
    ]
    assert found.count(None) <= len(found) // 4
    assert True in found


def test_every_row_of_a_grid_around_a_turn(bundle: Bundle) -> None:
    """The label turns once among all float32 values around the stated value."""
    assert bundle.trees is not None
    explainer = Explainer(bundle.library, bundle.trees)
    row = tuple(map(float32, EXAMPLE.values()))
    flip = explainer.flips.of(row, 0)[1]
    assert flip is not None
    values = [np.float32(flip.value)]
    for side in (0, 100):
        for _ in range(20):
            values = sorted({*values, *(np.nextafter(value, np.float32(side)) for value in values)})
    labels = [bundle.library.predict(moved(row, 0, float(value)))[0] for value in values]
    pairs = itertools.pairwise(zip(values, labels, strict=True))
    assert [float(after) for (_, one), (after, other) in pairs if one != other] == [flip.value]
