"""The figures are scikit-learn's."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from contract.schema import Contract, Input, Output
from evaluation.figures import figures, pinball_loss

INPUTS = (Input("a"),)


def drawn(seed: int, rows: int, columns: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Draw true numbers, and answers that are near them."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=(rows, columns)) * 9
    return truth, (truth + random.normal(size=truth.shape)).astype(np.float32)


@given(st.integers(0, 1000), st.integers(2, 6), st.integers(2, 60))
def test_probabilities(seed: int, classes: int, rows: int) -> None:
    """Accuracy and log loss are scikit-learn's, also if a probability is 0."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    scores = np.exp(5 * random.normal(size=(rows, classes)))
    probabilities = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    probabilities[0] = np.eye(classes, dtype=np.float32)[(labels[0] + 1) % classes]
    contract = Contract("t", INPUTS, Output(classes=tuple(f"c{each}" for each in range(classes))))
    found = figures(contract, labels, probabilities)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, probabilities.argmax(axis=1)))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(labels, probabilities, labels=range(classes)), rel=1e-5)
    assert 0 <= found["expected_calibration_error"] <= 1
    assert list(found) == ["accuracy", "log_loss", "expected_calibration_error"]


@given(st.integers(0, 1000), st.integers(2, 60))
def test_a_number(seed: int, rows: int) -> None:
    """The errors and the explained share of the variance are scikit-learn's."""
    truth, answers = drawn(seed, rows, 1)
    found = figures(Contract("t", INPUTS, Output("number")), truth[:, 0], answers)
    assert found == {
        "root_mean_squared_error": pytest.approx(metrics.root_mean_squared_error(truth, answers)),
        "mean_absolute_error": pytest.approx(metrics.mean_absolute_error(truth, answers)),
        "r_squared": pytest.approx(metrics.r2_score(truth, answers)),
    }


def test_equal_numbers_have_no_share_of_variance() -> None:
    """If all true numbers are equal there is no variance to explain, and no figure that JSON cannot hold."""
    found = figures(Contract("t", INPUTS, Output("number")), np.full(3, 0.1), np.ones((3, 1), np.float32))
    assert set(found) == {"root_mean_squared_error", "mean_absolute_error"}


@given(st.integers(0, 1000), st.floats(0.01, 0.99), st.integers(1, 60))
def test_a_pinball_loss(seed: int, level: float, rows: int) -> None:
    """The loss of a quantile is scikit-learn's."""
    truth, answers = drawn(seed, rows, 1)
    expected = metrics.mean_pinball_loss(truth, answers, alpha=level)
    assert pinball_loss(truth[:, 0], answers[:, 0].astype(np.float64), level) == pytest.approx(expected)


def test_quantiles_by_level() -> None:
    """Each quantile has its loss, by its level."""
    truth, answers = drawn(0, 50, 2)
    found = figures(Contract("t", INPUTS, Output("numbers", names=("q0.1", "q0.90"))), truth[:, 0], answers)
    assert found == {
        f"pinball_loss_{level}": pytest.approx(metrics.mean_pinball_loss(truth[:, 0], answers[:, place], alpha=level))
        for place, level in enumerate((0.1, 0.9))
    }


def test_targets_by_name() -> None:
    """Each of several targets has its error, by its name."""
    truth, answers = drawn(0, 50, 2)
    found = figures(Contract("t", INPUTS, Output("numbers", names=("x", "y"))), truth, answers)
    assert found == {
        f"root_mean_squared_error_{name}": pytest.approx(
            metrics.root_mean_squared_error(truth[:, place], answers[:, place])
        )
        for place, name in enumerate("xy")
    }


def test_a_class_alone() -> None:
    """Without probabilities there is the share of right answers."""
    contract = Contract("t", INPUTS, Output("label", classes=("a", "b")))
    assert figures(contract, np.array([0, 1, 1]), np.array([[0], [1], [0]], np.float32)) == {
        "accuracy": pytest.approx(2 / 3)
    }
