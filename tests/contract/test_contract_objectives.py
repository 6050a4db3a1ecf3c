"""Which models are served: those of probabilities, one output for each class."""

import pytest

from contract.manifest import Trees
from contract.objectives import unserved


def trees(objective: str, outputs: int) -> Trees:
    return Trees(objective, 1, 3, 1, (0.5,) * outputs)


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
@pytest.mark.parametrize("classes", [1, 2, 3, 31])
def test_a_classifier_with_an_output_for_each_class_is_served(objective: str, classes: int) -> None:
    """A classifier with an output for each class is served, whatever training asked for."""
    assert unserved(trees(objective, classes), classes) is None


@pytest.mark.parametrize(
    ("objective", "outputs", "classes", "told"),
    [
        ("reg:squarederror", 1, 1, "found reg:squarederror; train it with objective=multi:softprob and num_class=1"),
        ("binary:logistic", 1, 2, "found binary:logistic: one output where one a class is needed, 2 in all; train it"),
        ("multi:softprob", 4, 3, "found multi:softprob: 4 outputs where one a class is needed, 3 in all; train it"),
        ("rank:pairwise", 3, 3, "found rank:pairwise; train it"),
    ],
)
def test_everything_else_is_refused(objective: str, outputs: int, classes: int, told: str) -> None:
    """Any other model is refused with what was expected and how to train it."""
    assert f"expected a model of probabilities (multi:softprob or multi:softmax), {told}" in str(
        unserved(trees(objective, outputs), classes)
    )
