"""The cards that training writes: their front matter, and that each figure is one that was measured."""

import re
from math import isclose
from typing import Any

import msgspec
import pytest
import yaml

from cards.front_matter import model_of, parted
from contract.training import Baseline, CrossValidation, Group, TrainingSummary
from contract.uncertainty import Uncertainty
from tests.support.commands import ROOT
from train.card import CITATION, penguin_card
from train.contract import CLASSES, CONTRACT
from train.data_card import data_card
from train.penguins import DATA

# The keys of https://github.com/huggingface/hub-docs/blob/main/modelcard.md and datasetcard.md that we use, and what
# each holds. Keys of our own are allowed there.
MODEL_KEYS: dict[str, type] = {
    "language": list,
    "license": str,
    "library_name": str,
    "pipeline_tag": str,
    "tags": list,
    "datasets": list,
    "metrics": list,
    "model-index": list,
    "model_sha256": str,
}
DATA_KEYS: dict[str, type] = {
    "language": list,
    "license": str,
    "pretty_name": str,
    "size_categories": list,
    "task_categories": list,
    "annotations_creators": list,
    "source_datasets": list,
    "tags": list,
}


@pytest.fixture(scope="module")
def card(summary: TrainingSummary, reference: Uncertainty) -> str:
    return penguin_card(summary, reference)


@pytest.fixture(scope="module")
def birds_card(summary: TrainingSummary) -> str:
    return data_card((ROOT / DATA).read_bytes(), summary)


def metadata_of(card: str) -> dict[str, Any]:
    found = yaml.safe_load(parted(card)[0])
    assert isinstance(found, dict)
    return found


def test_hubs_can_read_the_model_s_front_matter(card: str, summary: TrainingSummary) -> None:
    """It has the keys and the kinds of the Hugging Face Hub's specification, and a model index with our figures."""
    found = metadata_of(card)
    assert {key: type(value) for key, value in found.items()} == MODEL_KEYS
    assert all(isinstance(item, str) for key in ("language", "tags", "datasets", "metrics") for item in found[key])
    assert (found["language"], found["license"], found["library_name"]) == (["en"], "apache-2.0", "xgboost")
    assert found["model_sha256"] == summary.model_sha256 == model_of(card)
    (index,) = found["model-index"]
    (result,) = index["results"]
    assert index["name"] == CONTRACT.name
    assert result["task"] == {"type": "tabular-classification"}
    assert set(result["dataset"]) == {"type", "name", "split"}
    metrics = {each["type"]: each["value"] for each in result["metrics"]}
    assert list(metrics) == found["metrics"]
    for name, value in metrics.items():
        assert isclose(value, getattr(summary.cross_validation, name), abs_tol=1e-5)
    assert {"accuracy", "log_loss"} <= set(metrics)


def test_hubs_can_read_the_data_s_front_matter(birds_card: str) -> None:
    """It has the keys and the kinds of the specification of data set cards."""
    found = metadata_of(birds_card)
    assert {key: type(value) for key, value in found.items()} == DATA_KEYS
    assert (found["license"], found["size_categories"]) == ("cc0-1.0", ["n<1K"])


def test_the_card_says_what_was_measured(card: str, summary: TrainingSummary, reference: Uncertainty) -> None:
    """Figures, counts, parameters, bounds and digests are in it, each as training and the contract have it."""
    figures = summary.cross_validation
    for part in (
        f"| Accuracy | {figures.accuracy:.4f} | {figures.accuracy_deviation:.4f} |",
        f"| Log loss, nats a row | {figures.log_loss:.4f} |",
        f"{summary.rows_dropped} of {summary.rows_read} birds",
        f"`{summary.data_sha256}`",
        f"| XGBoost | {summary.xgboost_version} |",
        f"at a level of {reference.level:g}",
        f"{reference.evidence.false_alarms:.1%} of held-out rows",
        "[data card](data_card.md)",
        CITATION,
    ):
        assert part in card
    for species, row in zip(CLASSES, figures.confusion, strict=True):
        assert f"| {species} | {' | '.join(f'{count:,}' for count in row)} |" in card
        assert f"{summary.species_counts[species]} {species}" in card
    for name, value in summary.parameters.items():
        assert f"| `{name}` | `{value}` |" in card
    for each in CONTRACT.inputs:
        low, high = each.bounds
        assert f"| `{each.name}` | number | {each.unit} | {low:g} to {high:g} |" in card


def test_the_card_does_without_what_is_not_known(summary: TrainingSummary, reference: Uncertainty) -> None:
    """A summary without baselines, groups and intervals, as an old one, makes no empty section and no empty column."""
    bare = msgspec.structs.replace(
        summary.cross_validation,
        accuracy_interval=None,
        log_loss_interval=None,
        brier_score=None,
        adaptive_calibration_error=None,
    )
    old = msgspec.structs.replace(summary, cross_validation=bare, baselines=(), groups=())
    card = penguin_card(old, reference)
    assert "Other classifiers" not in card
    assert "Groups" not in card
    assert "95 % interval" not in card
    assert "None" not in card


SEXES = ("male", "female", "not recorded")
BASELINE = Baseline(
    *("logistic regression", "C = 30", 0.9924, (0.98, 1.0), 0.0201, (0.01, 0.03), 0.011, 0.004),
    *(0.003, (-0.001, 0.007), -0.003, (-0.009, 0.002)),
)
GROUP = Group("island", "Dream", 123, 0.9837, 0.0412, 1.0, 0.008, {"log_loss": 0.21}, {"log_loss": 0.03})


def enriched(summary: TrainingSummary, *, better: bool, worse: bool) -> TrainingSummary:
    """Return a summary with intervals, two baselines and two groups."""
    changed: CrossValidation = msgspec.structs.replace(
        summary.cross_validation, accuracy_interval=(0.981, 0.996), log_loss_interval=(0.01, 0.04), brier_score=0.0153
    )
    other = msgspec.structs.replace(BASELINE, name="naive Bayes", accuracy_difference=-0.02)
    if better:
        other = msgspec.structs.replace(other, log_loss_difference_interval=(-0.009, -0.002))
    group = msgspec.structs.replace(GROUP, value="Biscoe", worse=("log_loss",) if worse else ())
    return msgspec.structs.replace(
        summary, cross_validation=changed, baselines=(BASELINE, other), groups=(GROUP, group)
    )


def test_the_card_shows_baselines_and_groups(summary: TrainingSummary, reference: Uncertainty) -> None:
    """Their figures with intervals, and in words who is better and which group is worse, or that nobody is."""
    fair = penguin_card(enriched(summary, better=False, worse=False), reference)
    assert "| logistic regression | 0.9924 | 0.0201 | -0.0030 | -0.0090 to 0.0020 |" in fair
    assert "None has a better log loss than the model" in fair
    assert "More accurate than the model on these folds: logistic regression." in fair
    assert "| island Dream | 123 | 0.9837 | 0.0412 | 100.0% | 0.8% |" in fair
    assert "No group is worse" in fair
    assert re.search(r"\| Accuracy \| [\d.]+ \| [\d.]+ \| 0.9810 to 0.9960 \|", fair)
    unfair = penguin_card(enriched(summary, better=True, worse=True), reference)
    assert "with an interval that excludes 0: naive Bayes." in unfair
    assert "by chance: island Biscoe (log loss, p = 0.03 among rows of the same classes)." in unfair
    assert {"brier_score"} < set(metadata_of(fair)["metrics"])


def test_the_data_card_counts_all_birds(birds_card: str, summary: TrainingSummary) -> None:
    """By island, year and sex the birds of all species sum to those in the file; ranges are those of training."""
    rows = re.findall(r"^\| ([\w ]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", birds_card, re.MULTILINE)
    assert all(sum(map(int, row[1:4])) == int(row[4]) for row in rows)
    assert sum(int(row[4]) for row in rows) == 3 * summary.rows_read
    assert {row[0] for row in rows} >= {
        "Biscoe",
        "Dream",
        "Torgersen",
        "2007",
        "2009",
        "male",
        "female",
        "not recorded",
    }
    for name, found in summary.measurement_ranges.items():
        assert re.search(rf"\| `{name}` \|.*\| {found.minimum:,.1f} \| {found.maximum:,.1f} \|", birds_card)
    assert "2007 to 2009" in birds_card
    assert CITATION in birds_card


def test_the_citation_is_that_of_the_repository() -> None:
    """The card names the authors, the titles and the DOIs of CITATION.cff's references."""
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    text = " ".join(CITATION.split())
    for each in found["references"]:
        assert each["title"] in text
        assert f"({each['year']})" in text
        assert f"https://doi.org/{each['doi']}" in text
        assert all(author["family-names"] in text for author in each["authors"])
