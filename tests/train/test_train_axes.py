"""The axes of linear discriminant analysis: those of the birds, and in a fold those of the fold's birds alone."""

import tomllib

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import train.__main__ as stage
from contract.derived import Projection
from contract.reading import PENGUINS
from contract.refusal import Refusal
from contract.schema import Contract
from train.axes import axes_toml, check_axes, fit_axes, with_axes
from train.contract import CLASSES, CONTRACT
from train.evaluate import split
from train.features import features
from train.penguins import Penguins

PROJECTIONS = [each for each in CONTRACT.derived if isinstance(each, Projection)]


def generalised_eigenvectors(rows: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> list[list[float]]:
    """Return Fisher's axes from their definition: between-species against within-species scatter."""
    values, kinds = rows.astype(np.float64), np.unique(labels)
    centred = values - np.array([values[labels == kind].mean(axis=0) for kind in kinds])[np.searchsorted(kinds, labels)]
    within = centred.T @ centred / len(values)
    _, vectors = scipy.linalg.eigh(np.cov(values, rowvar=False, bias=True) - within, within)
    axes = vectors[:, ::-1][:, : len(kinds) - 1].T
    return [(axis * np.sign(axis[0])).tolist() for axis in axes]


def test_the_contract_has_the_axes_of_the_birds(penguins: Penguins) -> None:
    """The projections of the contract are the axes of all birds, to the sixth digit."""
    expected = generalised_eigenvectors(penguins.measurements, penguins.labels)
    found = [list(each.weights.values()) for each in PROJECTIONS]
    assert len(found) == len(CLASSES) - 1
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    assert all(tuple(each.weights) == CONTRACT.input_names for each in PROJECTIONS)
    check_axes(penguins.measurements, penguins.labels)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_axes_are_fishers(seed: int, kinds: int) -> None:
    """The axes of any rows are the generalised eigenvectors, rounded, and the first weight is positive."""
    random = np.random.default_rng(seed)
    labels = np.arange(40 * kinds) % kinds
    rows = random.normal(size=(len(labels), 4)) + 5 * random.normal(size=(kinds, 4))[labels]
    measured = rows.astype(np.float32)
    found = fit_axes(measured, labels, kinds - 1)
    assert all(axis[0] > 0 for axis in found)
    assert all(weight == float(f"{weight:.6g}") for axis in found for weight in axis)
    np.testing.assert_allclose(found, generalised_eigenvectors(measured, labels), rtol=1e-4, atol=1e-6)


def test_a_fold_s_axes_have_not_seen_its_birds(penguins: Penguins) -> None:
    """If the birds that a fold leaves out are others, what its classifier learns from is the same, bit for bit."""
    birds, labels = penguins.measurements, penguins.labels
    folds = list(split(birds, labels, repeats=1))
    for place, (fold, unseen) in enumerate(folds):
        changed = birds.copy()
        changed[unseen] *= np.float32(1.1)
        other, same = list(split(changed, labels, repeats=1))[place]
        assert (same == unseen).all()
        assert other.table.tobytes() == fold.table.tobytes()
        assert other.unseen_table.tobytes() != fold.unseen_table.tobytes()


def test_a_fold_s_features_are_those_of_its_axes(penguins: Penguins) -> None:
    """A fold's projections are float32 sums of products, in order, with weights of the seen birds."""
    birds, labels = penguins.measurements, penguins.labels
    fold, unseen = next(split(birds, labels, repeats=1))
    seen = np.setdiff1d(np.arange(len(labels)), unseen)
    for place, axis in enumerate(fit_axes(birds[seen], labels[seen], len(PROJECTIONS)), start=10):
        for rows, table in ((birds[seen], fold.table), (birds[unseen], fold.unseen_table)):
            terms = [rows[:, i] * np.float32(weight) for i, weight in enumerate(axis)]
            expected = ((terms[0] + terms[1]) + terms[2]) + terms[3]
            assert table[:, place].tobytes() == expected.tobytes()
    assert fold.table[:, :10].tobytes() == features(birds[seen])[:, :10].tobytes()


def other_weights(change: float) -> Contract:
    """Return the contract with one weight that differs by some units of its sixth digit."""
    derived = [
        Projection(each.name, {**each.weights, "bill_length_mm": each.weights["bill_length_mm"] + change * 1e-7})
        if each is PROJECTIONS[0]
        else each
        for each in CONTRACT.derived
    ]
    return msgspec.structs.replace(CONTRACT, derived=tuple(derived))


def test_other_axes_are_refused(penguins: Penguins) -> None:
    """Two units of the sixth digit may be another processor's rounding; more are refused, with what to type."""
    for change in (-2, 0, 2):
        check_axes(penguins.measurements, penguins.labels, other_weights(change))
    for change in (-4, 4):
        with pytest.raises(Refusal, match=r"contract/penguins.toml, derived 'discriminant_1'.*python -m train --axes"):
            check_axes(penguins.measurements, penguins.labels, other_weights(change))


def test_axes_of_other_inputs_are_refused(penguins: Penguins) -> None:
    """A projection that leaves out an input is no axis."""
    weights = dict(list(PROJECTIONS[1].weights.items())[:3])
    derived = (*CONTRACT.derived[:-1], Projection(PROJECTIONS[1].name, weights))
    with pytest.raises(Refusal, match="derived 'discriminant_2'"):
        check_axes(penguins.measurements, penguins.labels, msgspec.structs.replace(CONTRACT, derived=derived))


def test_too_many_projections_are_refused(penguins: Penguins) -> None:
    """Three species have two axes."""
    third = Projection("discriminant_3", PROJECTIONS[0].weights)
    contract = msgspec.structs.replace(CONTRACT, derived=(*CONTRACT.derived, third))
    with pytest.raises(Refusal, match="at most 2 projections"):
        with_axes(penguins.measurements, penguins.labels, contract)


def test_a_contract_without_projections_stays_as_it_is(penguins: Penguins) -> None:
    """Where there is nothing to fit, nothing is fitted."""
    contract = msgspec.structs.replace(CONTRACT, derived=CONTRACT.derived[:6])
    assert with_axes(penguins.measurements, penguins.labels, contract) is contract
    check_axes(penguins.measurements, penguins.labels, contract)


def test_the_command_prints_what_the_contract_has(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m train --axes` prints lines of TOML that are in the contract, and writes nothing."""
    assert stage.main(["--axes"]) == 0
    printed = capsys.readouterr().out
    assert printed.strip() in PENGUINS.read_text("utf-8")
    assert [each["name"] for each in tomllib.loads(printed)["derived"]] == [each.name for each in PROJECTIONS]


def test_names_that_toml_would_misread_are_quoted(penguins: Penguins) -> None:
    """What is printed can be read back, whatever the inputs are called."""
    inputs = tuple(msgspec.structs.replace(each, name=f"{each.name} (ä=1)") for each in CONTRACT.inputs)
    derived = (Projection("one", {inputs[0].name: 1.0}),)
    contract = msgspec.structs.replace(CONTRACT, inputs=inputs, derived=derived)
    (read,) = tomllib.loads(axes_toml(penguins.measurements, penguins.labels, contract))["derived"]
    assert tuple(read["weights"]) == contract.input_names
