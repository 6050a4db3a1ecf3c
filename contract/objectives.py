"""Which models the service can answer with: models that give a probability for each class of the contract."""

from contract.manifest import Trees

SERVED = ("multi:softprob", "multi:softmax")  # models of these objectives have one output for each class


def unserved(trees: Trees, classes: int) -> str | None:
    """Return why a model's outputs are not one probability for each class, and how to fix it. None if they are."""
    outputs = len(trees.base_margins)
    if trees.objective in SERVED and outputs == classes:
        return None
    given = "" if outputs == classes else f": {_counted(outputs)} where one a class is needed, {classes} in all"
    return (
        f"expected a model of probabilities ({' or '.join(SERVED)}), found {trees.objective}{given}; "
        f"train it with objective={SERVED[0]} and num_class={classes}, then: python -m compile MODEL"
    )


def _counted(outputs: int) -> str:
    return "one output" if outputs == 1 else f"{outputs} outputs"
