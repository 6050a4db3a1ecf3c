"""The tables of the training report. Each is an HTML element to put into a page."""

from collections.abc import Iterable
from html import escape

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from contract.training import CrossValidation, TrainingSummary
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
