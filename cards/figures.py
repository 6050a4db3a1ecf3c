"""How good a model is, as sections and as front matter of its card."""

from cards.front_matter import Scalar
from cards.markdown import code, heading, plain, table
from contract.schema import Contract
from contract.training import Baseline, CrossValidation, Group, HoldOut, Interval, TrainingSummary

NAMES = {  # of figures: as model hubs know them, and in words
    "accuracy": ("accuracy", "Accuracy"),
    "log_loss": ("log_loss", "Log loss, nats a row"),
    "brier_score": ("brier_score", "Brier score, 0 to 2"),
    "expected_calibration_error": ("expected_calibration_error", "Calibration error, bins of equal width"),
    "adaptive_calibration_error": ("adaptive_calibration_error", "Calibration error, bins of equally many rows"),
    "root_mean_squared_error": ("rmse", "Root mean squared error"),
    "mean_absolute_error": ("mae", "Mean absolute error"),
    "r_squared": ("r_squared", "R squared"),
}
DIGITS = 5  # of a figure in front matter; those of the table have four


def sections(contract: Contract, training: TrainingSummary | None, holdout: HoldOut | None) -> list[str]:
    """Return the sections below the heading of the figures. Empty if nothing is known."""
    parts: list[str] = []
    if training:
        parts += _cross_validated(contract, training.cross_validation)
        parts += _compared(training.baselines) + _grouped(training.groups)
    if holdout:
        parts += [
            f"On {holdout.rows:,} rows that the model's owner held out (column {code(holdout.target)}, file "
            f"{code(holdout.rows_sha256)}):",
            table(("figure", "value"), [(_words(name), f"{value:.4g}") for name, value in holdout.figures.items()], 1),
        ]
    return parts


def results(training: TrainingSummary | None, holdout: HoldOut | None) -> list[dict[str, Scalar]]:
    """Return the figures as metrics of a model index."""
    found = _values(training.cross_validation) if training else dict(holdout.figures) if holdout else {}
    return [
        {"type": NAMES[name][0] if name in NAMES else name, "name": _words(name), "value": round(value, DIGITS)}
        for name, value in found.items()
    ]


def _values(found: CrossValidation) -> dict[str, float]:
    values = {name: getattr(found, name) for name in NAMES if hasattr(found, name)}
    return {name: value for name, value in values.items() if value is not None}


def _words(name: str) -> str:
    """Return the name of a figure in words. One for each name of an output comes as `figure of name`."""
    return NAMES[name][1] if name in NAMES else plain(name)


def _cross_validated(contract: Contract, found: CrossValidation) -> list[str]:
    intervals = {"accuracy": found.accuracy_interval, "log_loss": found.log_loss_interval}
    deviations = {"accuracy": found.accuracy_deviation, "log_loss": found.log_loss_deviation}
    rows = []
    for name, value in _values(found).items():
        deviation = f"{deviations[name]:.4f}" if name in deviations else ""
        rows.append((_words(name), f"{value:.4f}", deviation, _interval(intervals.get(name))))
    columns = 4 if found.accuracy_interval or found.log_loss_interval else 3
    header = ("figure", "value", "deviation over folds", "95 % interval")[:columns]
    classes = contract.output.classes
    counts = [
        (plain(truth), *(f"{count:,}" for count in row)) for truth, row in zip(classes, found.confusion, strict=True)
    ]
    return [
        f"Each {plain(contract.row)} was judged by models that had not seen it: {plain(found.protocol)}.",
        table(header, [row[:columns] for row in rows], columns - 1),
        f"What was answered (columns) for each true {plain(contract.output.label)} (rows):",
        table(("truth", *map(plain, classes)), counts, len(classes)),
    ]


def _interval(found: Interval | None, digits: int = 4) -> str:
    return f"{found[0]:.{digits}f} to {found[1]:.{digits}f}" if found else ""


def _compared(baselines: tuple[Baseline, ...]) -> list[str]:
    if not baselines:
        return []
    rows = [
        (
            plain(each.name),
            f"{each.accuracy:.4f}",
            f"{each.log_loss:.4f}",
            f"{each.log_loss_difference:+.4f}",
            _interval(each.log_loss_difference_interval),
        )
        for each in baselines
    ]
    header = ("classifier", "accuracy", "log loss", "its log loss less the model's", "95 % interval")
    better = [plain(each.name) for each in baselines if each.log_loss_difference_interval[1] < 0]
    said = (
        f"Better than the model in log loss, with an interval that excludes 0: {', '.join(better)}."
        if better
        else "None has a better log loss than the model with an interval that excludes 0."
    )
    surer = [plain(each.name) for each in baselines if each.accuracy_difference > 0]
    won = f"More accurate than the model on these folds: {', '.join(surer)}." if surer else "None is more accurate."
    return [heading(3, "Other classifiers on the same folds"), table(header, rows, 4), f"{said} {won}"]


def _grouped(groups: tuple[Group, ...]) -> list[str]:
    if not groups:
        return []
    rows = [
        (
            f"{plain(each.column)} {plain(each.value)}",
            f"{each.rows:,}",
            f"{each.accuracy:.4f}",
            f"{each.log_loss:.4f}",
            f"{each.coverage:.1%}",
            f"{each.false_alarms:.1%}",
        )
        for each in groups
    ]
    header = ("group", "rows", "accuracy", "log loss", "sets with the truth", "called unlike all")
    worse = [f"{plain(each.column)} {plain(each.value)} ({_named(each)})" for each in groups if each.worse]
    said = (
        f"Worse than as many rows drawn at random, and hardly by chance: {'; '.join(worse)}."
        if worse
        else "No group is worse than as many rows drawn at random would be (corrected for the number of comparisons)."
    )
    return [heading(3, "Groups that the model does not see"), table(header, rows, 5), said]


def _named(group: Group) -> str:
    return ", ".join(f"{name.replace('_', ' ')}, {_chance(group, name)}" for name in group.worse)


def _chance(group: Group, name: str) -> str:
    """Return the smaller of the two p-values of a figure, and whom the group was compared with."""
    p, within = group.p_values.get(name, 1.0), group.p_values_within_species.get(name, 1.0)
    return f"p = {within:.2g} among rows of the same classes" if within < p else f"p = {p:.2g}"
