"""The baseline of drift: its bins are those of the contract, and every kind of input and answer has its variable."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from contract.drift import BINS, INFINITE, MAX_INPUTS, DriftBaseline, count, risk
from contract.schema import Contract, Input, Output
from evaluation.drift import answered, drift_baseline, quantile_edges, variable

NUMBER, INTEGER, BOOLEAN = Input("a"), Input("b", kind="integer"), Input("c", kind="boolean")
CATEGORY = Input("d", kind="category", categories=("red", "green", "blue"))
ROWS = np.array([[0.5, 3, 1, 2], [1.5, np.nan, 0, 2], [9.5, 4, 1, 0], [2.5, 5, np.nan, 2]], np.float32)
PROBABILITIES = np.array([[0.25, 0.75], [0.5, 0.5], [1, 0], [0.75, 0.25]], np.float32)


def contract(output: Output, *inputs: Input) -> Contract:
    return Contract("test", inputs or (NUMBER, INTEGER, BOOLEAN, CATEGORY), output)


CLASSIFIER = contract(Output(classes=("no", "yes")))


@given(st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=300))
def test_the_bins_are_those_of_the_contract(values: list[float]) -> None:
    """Every value is in the bin in which the service counts it."""
    column = np.array(values, np.float64)
    edges = quantile_edges(column)
    assert 1 <= len(edges) < BINS
    assert list(variable(column, edges, 3).counts) == count(values, edges)
    assert list(edges) == sorted(set(edges))


@given(st.lists(st.integers(0, 10_000), min_size=100, max_size=300, unique=True))
def test_bins_hold_about_as_many_rows_each(values: list[int]) -> None:
    """Of different values, each bin has its tenth, give or take two."""
    column = np.array(values, np.float64)
    found = variable(column, quantile_edges(column), 1)
    assert len(found.counts) == BINS
    assert max(abs(rows - len(values) / BINS) for rows in found.counts) <= 2


def test_missing_values_are_in_no_bin() -> None:
    """What is missing is left out, and the rows of all bins are those with a value."""
    found = drift_baseline(CLASSIFIER, ROWS, PROBABILITIES).variables
    assert {name: sum(each.counts) for name, each in found.items()} == {
        "a": 4, "b": 3, "c": 3, "d": 4, "confidence": 4, "class": 4,
    }  # fmt: skip


def test_booleans_categories_and_classes_have_one_bin_a_value() -> None:
    """Each value has its own bin, also one that no row has, and there is no range."""
    found = drift_baseline(CLASSIFIER, ROWS, PROBABILITIES).variables
    assert (found["c"].edges, found["c"].counts) == ((0.5,), (1, 2))
    assert (found["d"].edges, found["d"].counts) == ((0.5, 1.5), (1, 0, 3))
    assert (found["class"].edges, found["class"].counts) == ((0.5,), (3, 1))
    assert {found[name].high for name in ("c", "d", "class", "confidence")} == {INFINITE}


def test_the_range_is_one_deviation_wider_than_the_rows() -> None:
    """Numbers have a range: that of the rows, and a standard deviation to either side."""
    found = drift_baseline(CLASSIFIER, ROWS, PROBABILITIES).variables["b"]
    deviation = np.sqrt(2 / 3)
    assert [found.low, found.high] == pytest.approx([3 - deviation, 5 + deviation])


def test_the_limit_is_for_all_variables_together() -> None:
    """The quantile of chi-square is that of a variable's bins, at the risk of one of six variables."""
    found = drift_baseline(CLASSIFIER, ROWS, PROBABILITIES).variables
    for each in found.values():
        assert chi2.sf(each.chi_square, len(each.edges)) == pytest.approx(risk(6), rel=1e-9)


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_inputs_without_values_are_left_out_and_constant_ones_are_not(value: float) -> None:
    """An input that is always missing has no variable. One that is constant has a bin for all rows and an empty one."""
    rows = np.full((5, 1), value, np.float32)
    found = drift_baseline(contract(Output(classes=("no", "yes")), NUMBER), rows, np.ones((5, 2), np.float32))
    if np.isnan(value):
        assert set(found.variables) == {"confidence", "class"}
    else:
        assert found.variables["a"].counts == (5, 0)
        assert (found.variables["a"].low, found.variables["a"].high) == (7, 7)
    assert msgspec.json.decode(msgspec.json.encode(found), type=DriftBaseline) == found


def test_a_category_with_one_value_cannot_drift() -> None:
    """A category with a single name has no variable."""
    one = contract(Output("number"), Input("d", kind="category", categories=("red",)))
    assert set(drift_baseline(one, np.zeros((3, 1), np.float32), np.zeros((3, 1), np.float32)).variables) == {
        "prediction"
    }


@pytest.mark.parametrize(
    ("output", "values", "variables"),
    [
        (Output("number"), np.array([[1.0], [2.0]]), {"prediction": (1, 1)}),
        (Output("numbers", names=("x", "y")), np.ones((2, 2)), {}),
        (Output("label", classes=("no", "yes"), label="churn"), np.array([[0.0], [1.0]]), {"churn": (1, 1)}),
    ],
    ids=["number", "numbers", "label"],
)
def test_answers_that_are_not_probabilities(
    output: Output, values: npt.NDArray[Any], variables: dict[str, tuple[int, ...]]
) -> None:
    """A number has the bins of a number, a label one bin a class, several numbers no variable."""
    rows = np.array([[0], [1]], np.float32)
    found = drift_baseline(contract(output, NUMBER), rows, values.astype(np.float32)).variables
    assert {name: each.counts for name, each in found.items() if name != "a"} == variables


def test_only_the_first_inputs_are_watched() -> None:
    """An input beyond the limit has no variable."""
    many = contract(Output("number"), *(Input(f"x{number}") for number in range(MAX_INPUTS + 2)))
    rows = np.random.default_rng(0).normal(size=(20, MAX_INPUTS + 2)).astype(np.float32)
    found = drift_baseline(many, rows, rows[:, :1]).variables
    assert list(found) == [*many.input_names[:MAX_INPUTS], "prediction"]


@pytest.mark.parametrize(
    ("output", "values", "labels"),
    [
        (Output(classes=("a", "b", "c")), [[0.2, 0.4, 0.4], [0.5, 0.3, 0.2]], [1, 0]),
        (Output("label", classes=("a", "b")), [[-0.5], [0.0], [0.5], [1.0]], [0, 0, 1, 1]),
        (Output("label", classes=("a", "b", "c")), [[0.0], [2.0]], [0, 2]),
    ],
)
def test_the_answered_class(output: Output, values: list[list[float]], labels: list[int]) -> None:
    """The first of the most probable classes, or what the decision says."""
    assert answered(contract(output, NUMBER), np.array(values, np.float32)).tolist() == labels


def test_an_edge_belongs_to_the_bin_below() -> None:
    """A value that equals an edge is counted below it."""
    assert variable(np.array([1.0, 2.0, 3.0]), (1.0, 2.5), 1).counts == (1, 1, 1)
