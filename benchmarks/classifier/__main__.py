"""python -m benchmarks.classifier [--quick]: choose parameters, judge the choice, and write docs/classifier.md."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.classifier.costs import MANY, ONE, XGBOOST, Cost, costs
from benchmarks.classifier.figures import Figures, against, figures_of
from benchmarks.classifier.grids import CHOICES, COLUMNS, ETAS, REGULARISED, SUBSAMPLES, Parameters
from benchmarks.classifier.nested import Nested, nested
from benchmarks.machine import ROOT, heading
from benchmarks.page import options, write_page
from benchmarks.tables import figure, table, times
from benchmarks.timed.cells import OURS
from contract.refusal import Refusal, exit_status
from evaluation.resampling import RESAMPLES
from train import model
from train.evaluate import FOLDS, RANDOM_STATE, REPEATS

MOST_ROW_NS = 1500  # of one row from Python
LEAST_TIMES = 20  # XGBoost's time for a row of a batch, in ours


def run(artifacts: Path, out: Path, repeats: int, turns: int) -> None:
    """Measure, and write the page. Raises Refusal if there is no bundle, or if other parameters are served."""
    found = nested(repeats, os.cpu_count() or 1)
    chosen = {rounds: picked.chosen for rounds, picked in found.served.model.items()}
    spent = costs(chosen, artifacts, turns)
    own = figures_of(found.labels, found.model[model.ROUNDS])
    rivals = {name: figures_of(found.labels, answers) for name, answers in found.rivals.items()}
    write_page(
        out / "classifier.md",
        heading("How the classifier was chosen, and how good it is", "make nested", ["xgboost", "scikit-learn"]),
        accuracy=f"{own.accuracy:.4f}",
        log_loss=f"{own.loss:.4f}",
        interval="{:.4f} to {:.4f}".format(*own.loss_interval),
        outer=f"{repeats} x {FOLDS}",
        seed=f"{RANDOM_STATE}",
        resamples=f"{RESAMPLES:,}",
        rivals=rivals_table(own, rivals),
        verdict=verdict(own, rivals),
        choices=choices_table(found),
        curve=curve_table(found, spent),
        rounds=f"{model.ROUNDS}",
        reason=reason(found, spent),
        served=parameters_table(chosen),
        checked=checked(chosen[model.ROUNDS]),
        grid=grid_words(),
    )
    if differs(chosen[model.ROUNDS]):
        raise Refusal(checked(chosen[model.ROUNDS]))


def rivals_table(own: Figures, rivals: dict[str, Figures]) -> str:
    """Return the figures of the model and of its rivals, with the differences and their intervals."""
    rows = [["**this model**", f"**{own.accuracy:.4f}**", f"**{own.loss:.4f}**", "", "", "", ""]]
    for name, each in rivals.items():
        accuracy, loss = against(own, each)
        rows.append(
            [
                name,
                f"{each.accuracy:.4f}",
                f"{each.loss:.4f}",
                f"{loss.mean:+.4f}",
                f"{loss.low:+.4f} to {loss.high:+.4f}",
                f"{accuracy.mean:+.4f}",
                f"{accuracy.low:+.4f} to {accuracy.high:+.4f}",
            ]
        )
    return table(["classifier", "accuracy", "log loss", "difference", "interval", "of accuracy", "interval"], rows)


def verdict(own: Figures, rivals: dict[str, Figures]) -> str:
    """Return who has the better log loss and accuracy, in sentences."""
    differences = {name: against(own, each) for name, each in rivals.items()}
    better = [name for name, (_, loss) in differences.items() if loss.high < 0]
    worse = [name for name, (_, loss) in differences.items() if loss.low > 0]
    rightest = max(rivals, key=lambda name: rivals[name].accuracy)
    lead, other = own.accuracy, rivals[rightest].accuracy
    accuracy, _ = differences[rightest]
    winner = f"the model wins, {lead:.4f} against {other:.4f} of {rightest}"
    if other >= lead:
        winner = f"{rightest} wins or draws, {other:.4f} against {lead:.4f} of the model"
    clear = "may be chance: its interval holds 0" if accuracy.low <= 0 <= accuracy.high else "is more than chance"
    return (
        f"{_listed(better) if better else 'None'} has a better log loss with an interval that excludes 0; "
        f"{len(worse)} of {len(rivals)} have a worse one so clearly ({_listed(worse) if worse else 'none'}). "
        f"On accuracy {winner}; that difference {clear}."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def choices_table(found: Nested) -> str:
    """Return how many settings of each classifier are tried, and the one that is chosen the most often."""
    rows = []
    for name, tried in CHOICES.items():
        (words, count), *_ = Counter(picks.rivals[name].chosen.words for picks in found.picks).most_common()
        rows.append([name, f"{len(tried)}", words if len(tried) > 1 else "not tuned", f"{count}"])
    (own, count), *_ = Counter(picks.model[model.ROUNDS].chosen for picks in found.picks).most_common()
    count_tried = sum(len(rounds) for rounds in ETAS.values()) * len(SUBSAMPLES) * len(COLUMNS) * len(REGULARISED)
    rows.insert(0, ["this model", f"{count_tried}", own.words, f"{count}"])
    return table(["classifier", "tried", "the most often", "times"], rows)


def curve_table(found: Nested, spent: dict[int, Cost]) -> str:
    """Return quality and cost by the number of rounds."""
    rows = []
    for rounds, cost in spent.items():
        own = figures_of(found.labels, found.model[rounds])
        one, many = cost.row_ns[OURS, ONE], cost.row_ns[OURS, MANY]
        rows.append(
            [
                f"**{rounds}**" if rounds == model.ROUNDS else f"{rounds}",
                f"{own.loss:.4f}",
                f"{own.accuracy:.4f}",
                f"{cost.fit_seconds * 1e3:.0f}",
                f"{cost.library_bytes / 1024:.0f}",
                figure(one),
                times(cost.row_ns[XGBOOST, ONE] / one),
                figure(many),
                times(cost.row_ns[XGBOOST, MANY] / many),
            ]
        )
    head = ["rounds", "log loss", "accuracy", "fitting, ms", "library, KiB", "one row, ns", "XGBoost / ours"]
    return table([*head, "a row of 65,536, ns", "XGBoost / ours"], rows)


def reason(found: Nested, spent: dict[int, Cost]) -> str:
    """Return whether the number of rounds that is served keeps the limits, and what more would give."""
    cost = spent[model.ROUNDS]
    one, ratio = cost.row_ns[OURS, ONE], cost.row_ns[XGBOOST, MANY] / cost.row_ns[OURS, MANY]
    kept = one <= MOST_ROW_NS and ratio >= LEAST_TIMES
    losses = {rounds: figures_of(found.labels, answers).loss for rounds, answers in found.model.items()}
    return (
        f"The limits are {MOST_ROW_NS:,} ns for one row and {LEAST_TIMES} times XGBoost's speed in batches: they are "
        f"{'kept' if kept else '**not** kept'}. {_others(model.ROUNDS, losses)}"
    )


def _others(served: int, losses: dict[int, float]) -> str:
    """Return which number of rounds has the least log loss, if it is another one than what is served."""
    least = min(losses, key=lambda rounds: losses[rounds])
    if least == served:
        return "No other number on the curve has a smaller log loss."
    return (
        f"The least log loss on the curve is that of {least} rounds, {losses[least]:.4f} against {losses[served]:.4f}."
    )


def parameters_table(chosen: dict[int, Parameters]) -> str:
    """Return what is picked on all birds, by the number of rounds."""
    names = list(Parameters._fields)
    return table(names, [[f"{value:g}" for value in each] for each in chosen.values()])


def differs(picked: Parameters) -> bool:
    """Return whether train/model.py has other parameters than those that are picked."""
    return any(model.PARAMETERS[name] != value for name, value in picked.fitting.items())


def checked(picked: Parameters) -> str:
    """Return whether train/model.py has the parameters that are picked, and what to do if not."""
    if not differs(picked):
        return f"Those of {model.ROUNDS} rounds are the ones in `train/model.py`."
    own = {name: model.PARAMETERS[name] for name in picked.fitting}
    return (
        f"train/model.py: expected the parameters that are picked on all birds, {picked.words}, found {own}; "
        "edit PARAMETERS, and type: make nested"
    )


def grid_words() -> str:
    """Return all that is tried for the model, in words."""
    etas = "; ".join(f"eta {eta:g} with {_listed(list(map(str, rounds)))} rounds" for eta, rounds in ETAS.items())
    penalties = " or ".join(f"{penalty:g} with min_child_weight {weight:g}" for penalty, weight in REGULARISED)
    return (
        f"{etas}; each with subsample {' or '.join(map(str, SUBSAMPLES))}, colsample_bynode "
        f"{' or '.join(map(str, COLUMNS))}, and reg_lambda {penalties}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Return the exit status."""
    quick, out = options("classifier", arguments)
    repeats, turns = (1, 3) if quick else (REPEATS, 61)
    return exit_status(lambda: run(ROOT / "artifacts", out, repeats, turns))


if __name__ == "__main__":
    sys.exit(main())
