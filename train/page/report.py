"""The training report: one HTML page for people, which needs no other file."""

from pathlib import Path
from string import Template

import numpy as np
import xgboost

from contract.training import TrainingSummary
from contract.uncertainty import Uncertainty
from evaluation.calibration import sort_by_confidence
from train.contract import CLASSES, CONTRACT
from train.evaluate import HeldOut
from train.features import features
from train.page import notes, pictures, tables
from train.penguins import Penguins

PAGE = Template(Path(__file__).with_name("report.html").read_text("utf-8"))  # lifetime: import


def report(
    summary: TrainingSummary, uncertainty: Uncertainty, penguins: Penguins, held_out: HeldOut, booster: xgboost.Booster
) -> str:
    """Return the page as HTML text. The same arguments give the same text."""
    figures = summary.cross_validation
    return PAGE.substitute(
        birds=f"{summary.rows_trained:,}",
        accuracy=f"{figures.accuracy:.1%}",
        log_loss=f"{figures.log_loss:.4f}",
        calibration_error=f"{figures.expected_calibration_error:.2%}",
        protocol=figures.protocol,
        confusion_picture=pictures.confusion_picture(figures.confusion),
        confusion_note=notes.confusion_note(figures),
        **_calibration(summary, held_out),
        **_features(penguins, held_out, booster),
        sets_note=notes.sets_note(uncertainty),
        sets_table=tables.sets_table(uncertainty),
        distance_note=notes.distance_note(uncertainty),
        evidence_protocol=uncertainty.evidence.protocol,
        figures_table=tables.figures_table(figures),
        species_table=tables.species_table(held_out),
        misjudged_table=tables.misjudged_table(penguins, held_out),
        counts_table=tables.counts_table(summary),
        ranges_table=tables.ranges_table(summary),
        parameters_table=tables.parameters_table(summary),
        provenance_table=tables.provenance_table(summary),
    )


def _calibration(summary: TrainingSummary, held_out: HeldOut) -> dict[str, str]:
    """Return the page's fields about confidence."""
    pooled = sort_by_confidence(held_out.labels.ravel(), held_out.probabilities.reshape(-1, len(CLASSES)))
    return {
        "calibration_picture": pictures.calibration_picture(pooled),
        "calibration_note": notes.calibration_note(summary.cross_validation, pooled),
    }


def _features(penguins: Penguins, held_out: HeldOut, booster: xgboost.Booster) -> dict[str, str]:
    """Return the page's fields about the features that the model uses."""
    gains = total_gains(booster)
    first, second = list(gains)[:2]
    columns = dict(zip(CONTRACT.features, features(penguins.measurements).T, strict=True))
    misjudged = np.any(held_out.answers != held_out.labels, axis=0)
    return {
        "importance_picture": pictures.importance_picture(gains),
        "importance_note": notes.importance_note(gains),
        "scatter_picture": pictures.scatter_picture(
            (first, second), (columns[first], columns[second]), penguins.labels, misjudged
        ),
        "scatter_note": notes.scatter_note(misjudged),
    }


def total_gains(booster: xgboost.Booster) -> dict[str, float]:
    """Return the gain of all splits on each feature of the contract, in XGBoost's units of loss, the largest first."""
    scores = booster.get_score(importance_type="total_gain")
    gains = {name: float(np.sum(scores.get(name, 0.0))) for name in CONTRACT.features}
    return dict(sorted(gains.items(), key=lambda item: -item[1]))
