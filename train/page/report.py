"""The training report: one HTML page for people, which needs no other file."""

from pathlib import Path
from string import Template

import numpy as np
import xgboost

from contract.training import TrainingSummary
from contract.uncertainty import Uncertainty
from evaluation.calibration import expected_calibration_error, sort_by_confidence, sort_evenly
from train.contract import CONTRACT
from train.evaluate import HeldOut
from train.features import features
from train.page import notes, pictures, tables
from train.penguins import Penguins

# Lifetime: import.
PAGE = Template(Path(__file__).with_name("report.html").read_text("utf-8"))
GROUPS = Template("<section>\n<h2>Is it as good for all birds?</h2>\n<p>$note</p>\n$table\n</section>\n")
BIN_COUNTS = (5, 10, 20)


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
        **_rivals(summary),
        groups_section=_groups(summary),
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
    pooled = sort_by_confidence(*held_out.pooled)
    kinds = {"equal width": sort_by_confidence, "equally many answers": sort_evenly}
    errors = {
        (kind, count): expected_calibration_error(sort(*held_out.pooled, count))
        for kind, sort in kinds.items()
        for count in BIN_COUNTS
    }
    return {
        "calibration_picture": pictures.calibration_picture(pooled),
        "calibration_note": notes.calibration_note(summary.cross_validation, pooled),
        "tenths_picture": pictures.tenths_picture(sort_evenly(*held_out.pooled)),
        "binning_table": tables.binning_table(errors),
        "binning_note": notes.binning_note(errors),
    }


def _rivals(summary: TrainingSummary) -> dict[str, str]:
    """Return the page's fields about other classifiers."""
    figures = summary.cross_validation
    assert figures.log_loss_interval is not None  # training has just made it
    intervals = [figures.log_loss_interval, *(each.log_loss_interval for each in summary.baselines)]
    names = ["this model", *(each.name for each in summary.baselines)]
    losses = [figures.log_loss, *(each.log_loss for each in summary.baselines)]
    return {
        "rivals_picture": pictures.rivals_picture(names, losses, intervals),
        "baselines_table": tables.baselines_table(summary),
        "baselines_note": notes.baselines_note(summary),
        "settings_table": tables.settings_table(summary),
    }


def _groups(summary: TrainingSummary) -> str:
    """Return the section about groups of birds, empty if the data have no such column."""
    if not summary.groups:
        return ""
    return GROUPS.substitute(table=tables.groups_table(summary), note=notes.groups_note(summary.groups))


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
