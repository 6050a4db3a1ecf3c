"""Models that the matrix's dimensions do not say all of: how they were trained, continued, cut, marked or spoilt."""

from typing import NamedTuple

import numpy as np

from tests.matrix.cells import Cell, version_of
from tests.matrix.growing import grow
from tests.matrix.ways import (
    BINARY,
    Training,
    beside_a_category,
    continued,
    gradient,
    grown,
    keeping_the_best,
    log_loss,
    marked,
    on_a_base_margin,
    sliced,
    stopped,
    updated,
    wrapped,
    wrapped_and_stopped,
)

REAL, SOFTPROB = "reg:squarederror", "multi:softprob"
ALWAYS, NEVER = "0.90", "99"
OVERFLOWS = 3e38


class Situation(NamedTuple):
    """How one model comes about: `grown` trains it. XGBoost can, `since` a version and before `until`.

    `refused` and `may_be_refused` name reasons (expected.REASONS): the model has to be refused for the one, and is
    refused for the other where the version brought it about. `stopped`: its file names a best round.
    """

    grown: Training
    objective: str = BINARY
    booster: str = "gbtree"
    features: str = "plain"
    since: str = ALWAYS
    until: str = NEVER
    refused: tuple[str, ...] = ()
    may_be_refused: tuple[str, ...] = ()
    stopped: bool = False


def situations(version: str) -> list[Cell]:
    """Return the cells of a version's situations."""
    found = version_of(version)
    return [
        Cell(version, item.booster, item.objective, item.features, name)
        for name, item in SITUATIONS.items()
        if version_of(item.since) <= found < version_of(item.until)
    ]


VECTORS = {"tree_method": "hist", "multi_strategy": "multi_output_tree"}
ALPHAS = [0.1, 0.5, 0.9]
MULTI = {"objective": SOFTPROB}
PRUNED, NOT_FINITE, BEST, NO_TREES = ("pruned by 1.0",), ("not finite",), ("best iteration",), ("no trees",)

SITUATIONS = {
    "method-exact": Situation(grown(tree_method="exact", features="missing"), features="missing"),
    "method-hist": Situation(grown(tree_method="hist", features="missing"), features="missing"),
    "method-approx": Situation(grown(tree_method="approx", features="missing"), features="missing"),
    "gamma": Situation(grown(gamma=3.0, max_depth=6), may_be_refused=PRUNED),
    "gamma-exact": Situation(grown(gamma=3.0, max_depth=6, tree_method="exact"), may_be_refused=PRUNED),
    "lossguide": Situation(
        grown(max_depth=0, max_leaves=9, grow_policy="lossguide", tree_method="hist", features="missing"),
        features="missing",
    ),
    "monotone": Situation(grown(monotone_constraints="(1,1,0,0,-1,0)")),
    "interaction": Situation(grown(interaction_constraints="[[0,1],[2,3,4]]")),
    "sampled": Situation(
        grown(colsample_bytree=0.5, colsample_bylevel=0.7, subsample=0.7, alpha=0.5, max_delta_step=0.7)
    ),
    "without-splits": Situation(grown(reg_alpha=1e9)),
    "deep": Situation(grown(max_depth=10, rounds=2)),
    "weighted-classes": Situation(grown(scale_pos_weight=2.0)),
    "without-rounds": Situation(grown(rounds=0), refused=NO_TREES),
    "category-unused": Situation(beside_a_category, since="1.6"),
    "base-estimated": Situation(grown(REAL, task="positive"), objective=REAL),
    "base-given": Situation(grown(base_score=0.9)),
    "base-large": Situation(grown(REAL, base_score=1e20), objective=REAL),
    "base-negative": Situation(grown(REAL, base_score=-1000.25), objective=REAL),
    "base-of-classes": Situation(grown(SOFTPROB, base_score=2.5), objective=SOFTPROB),
    "base-a-class": Situation(grown(SOFTPROB, base_score=[0.1, 0.2, 0.3, 0.4]), objective=SOFTPROB, since="3.1"),
    "base-margin": Situation(on_a_base_margin),
    "refreshed": Situation(updated("refresh", {}, "missing")),
    "refreshed-without-leaves": Situation(updated("refresh", {}, "missing", refresh_leaf=0)),
    "pruned": Situation(
        updated("prune", {"max_depth": 6}, gamma=5.0, max_depth=6), may_be_refused=(*PRUNED, *NO_TREES)
    ),
    "continued": Situation(continued({"objective": BINARY})),
    "continued-deeper": Situation(continued({"objective": BINARY}, max_depth=5, base_score=0.2)),
    "continued-as-forest": Situation(continued({"objective": BINARY}, num_parallel_tree=2, subsample=0.5, rounds=2)),
    "continued-classes": Situation(continued(MULTI), objective=SOFTPROB),
    "continued-dart": Situation(continued({"objective": BINARY, "booster": "dart"}), booster="dart"),
    "sliced": Situation(sliced(1, 5), since="1.3"),
    "sliced-in-steps": Situation(sliced(0, 6, 2), since="1.3"),
    "sliced-classes": Situation(sliced(2, 5, **MULTI), objective=SOFTPROB, since="1.3"),
    "sliced-forest": Situation(sliced(1, 5, booster="forest"), booster="forest", since="1.3"),
    "sliced-dart": Situation(sliced(1, 5, booster="dart"), booster="dart", since="1.3"),
    "leaf-overflows": Situation(grown(REAL, eta=1e38, rounds=3), objective=REAL, refused=NOT_FINITE),
    "leaf-huge": Situation(grown(REAL, obj=gradient(-OVERFLOWS)), objective=REAL, may_be_refused=NOT_FINITE),
    "leaf-infinite": Situation(grown(REAL, obj=gradient(-np.inf)), objective=REAL, may_be_refused=NOT_FINITE),
    "leaf-nan": Situation(grown(REAL, obj=gradient(np.nan)), objective=REAL, may_be_refused=NOT_FINITE),
    "leaf-refreshed-infinite": Situation(updated("refresh", {}, obj=gradient(-np.inf)), may_be_refused=NOT_FINITE),
    "leaf-refreshed-nan": Situation(updated("refresh", {}, obj=gradient(np.nan)), may_be_refused=NOT_FINITE),
    "own-objective": Situation(grown(REAL, task="binary", obj=log_loss), objective=REAL),
    "own-objective-named": Situation(grown(obj=log_loss)),
    "attributes": Situation(marked(note="grün", owner="me", number="7")),
    "attribute-best": Situation(marked(best_iteration="1"), stopped=True),
    "attribute-best-odd": Situation(marked(best_iteration="many", best_score="nan"), refused=BEST),
    "stopped": Situation(stopped, stopped=True),
    "stopped-classes": Situation(lambda: stopped(SOFTPROB, "classes"), objective=SOFTPROB, stopped=True),
    "stopped-real": Situation(lambda: stopped(REAL, "real"), objective=REAL, stopped=True),
    "stopped-forest": Situation(lambda: stopped(booster="forest"), booster="forest", stopped=True),
    "stopped-dart": Situation(lambda: stopped(booster="dart"), booster="dart"),
    "stopped-linear": Situation(lambda: stopped(booster="gblinear"), booster="gblinear"),
    "stopped-save-best": Situation(keeping_the_best, since="1.3", stopped=True),
    "stopped-continued": Situation(lambda: grow(BINARY, rounds=3, xgb_model=stopped()), stopped=True),
    "stopped-sliced": Situation(lambda: stopped()[:3], since="1.3", may_be_refused=BEST),
    "wrapper-binary": Situation(wrapped("XGBClassifier", "binary", names=[0, 1]), features="missing"),
    "wrapper-classes": Situation(
        wrapped("XGBClassifier", "classes", names=[0, 1, 2, 3]), objective=SOFTPROB, features="missing"
    ),
    "wrapper-real": Situation(wrapped("XGBRegressor", "real"), objective=REAL, features="missing"),
    "wrapper-binary-stopped": Situation(
        wrapped_and_stopped("XGBClassifier", "binary", [0, 1]), features="missing", stopped=True
    ),
    "wrapper-classes-stopped": Situation(
        wrapped_and_stopped("XGBClassifier", "classes", [0, 1, 2, 3]),
        objective=SOFTPROB,
        features="missing",
        stopped=True,
    ),
    "wrapper-real-stopped": Situation(
        wrapped_and_stopped("XGBRegressor", "real"), objective=REAL, features="missing", stopped=True
    ),
    "wrapper-zero-is-missing": Situation(
        wrapped("XGBClassifier", "binary", names=[0, 1], features="plain", missing=0.0)
    ),
    "wrapper-number-is-missing": Situation(
        wrapped("XGBRegressor", "real", features="plain", missing=-999.0), objective=REAL
    ),
    "wrapper-forest": Situation(
        wrapped("XGBRFClassifier", "binary", names=[0, 1]), booster="forest", features="missing"
    ),
    "wrapper-dart": Situation(wrapped("XGBClassifier", "binary", names=[0, 1], booster="dart"), booster="dart"),
    "wrapper-words": Situation(
        wrapped("XGBClassifier", "classes", names=list("abcd")), objective=SOFTPROB, features="missing", until="1.6"
    ),
    "quantiles": Situation(
        grown("reg:quantileerror", quantile_alpha=np.array(ALPHAS)), objective="reg:quantileerror", since="2.0"
    ),
    "expectiles": Situation(
        grown("reg:expectileerror", expectile_alpha=ALPHAS), objective="reg:expectileerror", since="3.3"
    ),
    "targets": Situation(grown(REAL, task="targets"), objective=REAL, since="1.6"),
    "tags": Situation(grown(task="tags"), since="1.6"),
    "targets-in-vectors": Situation(grown(REAL, task="targets", **VECTORS), objective=REAL, since="2.0"),
    "classes-in-vectors": Situation(grown(SOFTPROB, **VECTORS), objective=SOFTPROB, since="2.0"),
    "dart-in-vectors": Situation(
        grown(REAL, task="targets", booster="dart", **VECTORS), objective=REAL, booster="dart", since="3.3"
    ),
    "dart-without-drops": Situation(grown(booster="dart", rate_drop=0, one_drop=0), booster="dart"),
    "dart-of-forests": Situation(grown(booster="dart", normalize_type="forest"), booster="dart"),
    # Those that are recorded, a few kB each.
    "small-classes": Situation(grown(SOFTPROB, rounds=1, max_depth=2), objective=SOFTPROB),
    "small-category": Situation(
        grown(features="partitions", rounds=2, max_depth=2), features="partitions", since="1.6"
    ),
    "small-dart": Situation(grown(booster="dart", rounds=3, max_depth=2), booster="dart"),
    "linear-shotgun": Situation(grown(booster="gblinear", updater="shotgun"), booster="gblinear"),
}
