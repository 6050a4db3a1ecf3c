"""Which boosting rounds of a model are used: all, or those up to the best one if training stopped early.

XGBoost's wrappers (XGBClassifier, XGBRegressor) predict with the rounds up to the attribute `best_iteration` of the
file. `Booster.predict` uses all trained rounds. A model is compiled to answer as its wrapper does.

A file from before XGBoost 1.6 does not hold the number of trees in a round. A newer XGBoost assumes one tree a class,
so its wrappers use too few trees of forests. Some of these files have `best_ntree_limit`, the trees of one class up to
the best round. To the newer XGBoost these are as many rounds.
"""

from typing import Any

import msgspec

from contract.refusal import Refusal

MAX_DIGITS = 10  # of the number in an attribute
BEST, BEST_TREES = "best_iteration", "best_ntree_limit"


class Rounds(msgspec.Struct, frozen=True):
    """How many of the rounds in the file are used, from the first one on."""

    used: int
    trained: int


def rounds_of(content: dict[str, Any], says_rounds: bool, all_trees: bool, source: str) -> Rounds:
    """Return the rounds that are used. Raises Refusal, naming `source`, if the file does not say which these are."""
    learner = content["learner"]
    trained = len(learner["gradient_booster"]["model"]["iteration_indptr"]) - 1
    best = learner["attributes"].get(BEST)
    if best is None or all_trees:
        return Rounds(trained, trained)
    limit = learner["attributes"].get(BEST_TREES)
    used = _number(best) + 1 if says_rounds or limit is None else _number(limit)
    if not 0 < used <= trained:
        raise Refusal(
            f"{source}: expected the attribute {BEST} to be one of 0 to {trained - 1}, found {best!r}"
            f"{'' if limit is None else f' and {BEST_TREES} {limit!r}'}; --all-trees compiles every round"
        )
    if used < trained and not says_rounds and limit is None:
        raise Refusal(
            f"{source} names a best round (the attribute {BEST}), but a file from before XGBoost 1.6 does not say how "
            f"many trees a round has; with the XGBoost that trained it, save booster[:{used}] without that attribute, "
            "or compile every round: --all-trees"
        )
    return Rounds(used, trained)


def _number(text: str) -> int:
    """Return the number in an attribute, or -1 if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < MAX_DIGITS else -1


def cut(content: dict[str, Any], rounds: Rounds) -> dict[str, Any]:
    """Return the document with only the trees of the used rounds."""
    learner = content["learner"]
    booster = learner["gradient_booster"]
    model = booster["model"]
    starts = model["iteration_indptr"][: rounds.used + 1]
    trees = int(starts[-1])
    kept = {
        **model,
        "iteration_indptr": starts,
        "tree_info": model["tree_info"][:trees],
        "trees": model["trees"][:trees],
    }
    return {**content, "learner": {**learner, "gradient_booster": {**booster, "model": kept}}}
