"""The tables of the training report. Each is an HTML element to put into a page."""

from collections.abc import Iterable
from html import escape

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from contract.training import Baseline, CrossValidation, Interval, TrainingSummary
from contract.uncertainty import Uncertainty
from train.contract import CLASSES, CONTRACT
from train.evaluate import FOLDS, LABELS, REPEATS, HeldOut
from train.page.labels import words
from train.penguins import Penguins


def figures_table(figures: CrossValidation) -> str:
    """Return accuracy, log loss and calibration error, with their deviation over the folds."""
    return _table(
        ("figure", "mean", f"deviation over {REPEATS * FOLDS} folds"),
        [
            ("accuracy", f"{figures.accuracy:.4f}", f"{figures.accuracy_deviation:.4f}"),
            ("log loss (nats per bird)", f"{figures.log_loss:.4f}", f"{figures.log_loss_deviation:.4f}"),
            ("expected calibration error", f"{figures.expected_calibration_error:.4f}", "pooled"),
        ],
    )


def species_table(held_out: HeldOut) -> str:
    """Return precision, recall and F1 of every species over the held-out answers of all repeats."""
    scores = precision_recall_fscore_support(
        held_out.labels.ravel(), held_out.answers.ravel(), labels=LABELS, zero_division=0.0
    )
    rows = zip(CLASSES, *scores, strict=True)
    return _table(
        ("species", "precision", "recall", "F1", "answers due"),
        [(name, *(f"{share:.3f}" for share in shares), str(count)) for name, *shares, count in rows],
    )


def sets_table(uncertainty: Uncertainty) -> str:
    """Return when a species is in a prediction set, and how often the set contains the true species."""
    evidence = uncertainty.evidence
    return _table(
        ("species", "in the set from", "set holds it", "conformal alone, from", "would hold it"),
        [
            (
                species,
                f"p = {uncertainty.set_thresholds[species]:.3f}",
                f"{evidence.coverage[species]:.1%}",
                f"p = {uncertainty.conformal_thresholds[species]:.3f}",
                f"{evidence.conformal_coverage[species]:.1%}",
            )
            for species in CLASSES
        ],
    )


def baselines_table(summary: TrainingSummary) -> str:
    """Return the figures of the model and of every rival, with intervals, the model first."""
    own = summary.cross_validation
    rows = [("this model", *_figures_cells(own), "", "")]
    for each in summary.baselines:
        low, high = each.log_loss_difference_interval
        rows.append(
            (each.name, *_figures_cells(each), f"{each.log_loss_difference:+.4f}", f"{low:+.4f} to {high:+.4f}")
        )
    return _table(
        (
            *("classifier", "accuracy", "interval", "log loss", "interval", "Brier score", "calibration error"),
            *("log loss less the model's", "interval"),
        ),
        rows,
    )


def _figures_cells(figures: CrossValidation | Baseline) -> tuple[str, ...]:
    """Return accuracy, log loss, Brier score and calibration error of a classifier, the first two with intervals."""
    return (
        f"{figures.accuracy:.4f}",
        _between(figures.accuracy_interval, 3),
        f"{figures.log_loss:.4f}",
        _between(figures.log_loss_interval, 4),
        f"{figures.brier_score:.4f}",
        f"{figures.adaptive_calibration_error:.4f}",
    )


def _between(interval: Interval | None, digits: int) -> str:
    return "" if interval is None else f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"


def settings_table(summary: TrainingSummary) -> str:
    """Return how every rival was made."""
    return _table(("classifier", "features; settings"), [(each.name, each.settings) for each in summary.baselines])


def binning_table(errors: dict[tuple[str, int], float]) -> str:
    """Return the calibration error by the kind of bins and by their number."""
    counts = sorted({count for _, count in errors})
    kinds = dict.fromkeys(kind for kind, _ in errors)
    rows = [(kind, *(f"{errors[kind, count]:.2%}" for count in counts)) for kind in kinds]
    return _table(("bins", *map(str, counts)), rows)


def groups_table(summary: TrainingSummary) -> str:
    """Return the figures of each group of birds, and the smallest p-values of the group's figures."""
    return _table(
        ("group", "birds", "accuracy", "log loss", "in their set", "false alarms", "least p", "least p, same species"),
        [
            (
                f"{each.column} {each.value}",
                str(each.rows),
                f"{each.accuracy:.4f}",
                f"{each.log_loss:.4f}",
                f"{each.coverage:.1%}",
                f"{each.false_alarms:.1%}",
                f"{min(each.p_values.values()):.2g}",
                f"{min(each.p_values_within_species.values()):.2g}",
            )
            for each in summary.groups
        ],
    )


def counts_table(summary: TrainingSummary) -> str:
    """Return how many rows of the data file were read, dropped and used."""
    species = [(f"of them {name}", str(count)) for name, count in summary.species_counts.items()]
    return _table(
        ("rows", "birds"),
        [
            ("read", str(summary.rows_read)),
            ("dropped, without measurements", str(summary.rows_dropped)),
            ("trained on", str(summary.rows_trained)),
            *species,
        ],
    )


def ranges_table(summary: TrainingSummary) -> str:
    """Return the range, mean and deviation of every measurement, with its unit."""
    return _table(
        ("measurement", "unit", "smallest", "mean", "largest", "deviation"),
        [
            (words(name), unit, f"{seen.minimum:g}", f"{seen.mean:.1f}", f"{seen.maximum:g}", f"{seen.deviation:.1f}")
            for name, unit, seen in (
                (each.name, each.unit, summary.measurement_ranges[each.name]) for each in CONTRACT.inputs
            )
        ],
    )


def misjudged_table(penguins: Penguins, held_out: HeldOut) -> str:
    """Return every bird that was answered wrongly in a repeat, the most often wrong first."""
    wrong = held_out.answers != held_out.labels
    times = wrong.sum(axis=0)
    rows = sorted(np.flatnonzero(times).tolist(), key=lambda row: -times[row])
    units = (f"{words(each.name)} ({each.unit})" for each in CONTRACT.inputs)
    return _table(
        ("line", *units, "true species", "answered", "wrong in", "probability of the truth"),
        [
            (
                str(row + 2),  # the line in training_rows.csv, whose first line is the header
                *(f"{value:g}" for value in penguins.measurements[row]),
                CLASSES[penguins.labels[row]],
                ", ".join(CLASSES[answer] for answer in np.unique(held_out.answers[wrong[:, row], row])),
                f"{times[row]} of {REPEATS}",
                f"{held_out.probabilities[:, row, penguins.labels[row]].mean():.2f}",
            )
            for row in rows
        ],
    )


def parameters_table(summary: TrainingSummary) -> str:
    """Return the parameters that the model was fitted with."""
    parameters = {**summary.parameters, "rounds (trees per species)": summary.rounds}
    return _table(("parameter", "value"), [(name, str(value)) for name, value in parameters.items()])


def provenance_table(summary: TrainingSummary) -> str:
    """Return what the model was made from, with the digests that identify it."""
    return _table(
        ("of", "value"),
        [
            ("data, sha256", summary.data_sha256),
            ("model, sha256", summary.model_sha256),
            ("XGBoost", summary.xgboost_version),
        ],
    )


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table. The first cell of each row is the row's name."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "\n".join(_row(*cells) for cells in rows)
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _row(name: str, *cells: str) -> str:
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
