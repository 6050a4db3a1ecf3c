"""The training report: everything in it that it shows, said so that eyes and screen readers get it."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest
import xgboost

from contract.training import Baseline, CrossValidation, Group, TrainingSummary
from contract.uncertainty import Uncertainty
from evaluation.calibration import Bucket
from train.contract import CLASSES, CONTRACT
from train.evaluate import HeldOut
from train.page.notes import baselines_note, binning_note, calibration_note, confusion_note, groups_note
from train.page.pictures import scatter_picture
from train.page.report import report, total_gains
from train.page.tables import misjudged_table
from train.penguins import Penguins

VOID = {"meta", "br", "img", "link"}


class Elements(HTMLParser):
    """Collects the elements and attributes of a page, and fails if tags do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_pictures(page: str) -> None:
    """The report has six well-formed pictures, each with a description in a figure."""
    pictures = re.findall(r"<figure>(<svg.*?</svg>)", page, re.DOTALL)
    assert len(pictures) == 6
    for picture in pictures:
        root = ElementTree.fromstring(picture)  # noqa: S314  # our own page
        assert root.get("role") == "img"
        assert len(root.get("aria-label", "")) > 20


def test_no_other_host(page: str) -> None:
    """The report loads nothing from another address."""
    assert set(re.findall(r"https?://[^/\"]+", page)) <= {"http://www.w3.org"}
    assert all(re.search(r'xmlns(:\w+)?="$', page[: match.start()]) for match in re.finditer("https?://", page))
    assert not re.search(r"@import|url\((?!#)", page)
    for tag, attributes in Elements(page).seen:
        assert tag not in {"script", "link", "img", "iframe", "object"}
        assert all((attributes.get(name) or "#").startswith("#") for name in ("href", "xlink:href", "src"))


def test_ids_are_unique_and_found(page: str) -> None:
    """Every id is unique, and every reference finds its element."""
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) <= set(ids)


def test_states_the_figures(page: str, summary: TrainingSummary) -> None:
    """The report has rows, figures, digests, the warning, and every species and unit."""
    figures = summary.cross_validation
    for figure in (figures.accuracy, figures.accuracy_deviation, figures.log_loss, figures.expected_calibration_error):
        assert f"<td>{figure:.4f}</td>" in page
    for text in (summary.data_sha256, summary.model_sha256, "<td>344</td>", "<td>342</td>", "chosen on the same birds"):
        assert text in page
    for species in CLASSES:
        assert f'<th scope="row">{species}</th>' in page
    for each in CONTRACT.inputs:
        assert f"<td>{each.unit}</td>" in page
    assert "$" not in page


def test_same_bytes_again(
    page: str,
    summary: TrainingSummary,
    reference: Uncertainty,
    penguins: Penguins,
    held_out: HeldOut,
    booster: xgboost.Booster,
) -> None:
    """Two reports of one training have the same bytes."""
    assert report(summary, reference, penguins, held_out, booster) == page


def test_states_how_far_to_trust(page: str, reference: Uncertainty) -> None:
    """The report has coverage, thresholds, set sizes, the limit and the false alarms."""
    for species in CLASSES:
        assert f"<td>{reference.evidence.coverage[species]:.1%}</td>" in page
        assert f"<td>p = {reference.set_thresholds[species]:.3f}</td>" in page
    for text in (f"{reference.evidence.mean_set_size:.2f} species", f"exceeds {reference.distance_limit:.2f}"):
        assert text in page


def test_gains_are_the_largest_first(booster: xgboost.Booster) -> None:
    """Every feature has its gain, the largest first."""
    gains = total_gains(booster)
    assert set(gains) == set(CONTRACT.features)
    assert list(gains.values()) == sorted(gains.values(), reverse=True)
    assert next(iter(gains.values())) > 0


def test_misjudged_birds_are_listed(penguins: Penguins, held_out: HeldOut) -> None:
    """Every misjudged bird has a row, and their counts add up."""
    rows = misjudged_table(penguins, held_out).count('<th scope="row">')
    wrong = held_out.answers != held_out.labels
    assert rows == wrong.any(axis=0).sum()
    times = re.findall(r"(\d) of 5", misjudged_table(penguins, held_out))
    assert sum(map(int, times)) == wrong.sum()


def test_rings_mark_the_misjudged() -> None:
    """A picture with 20 misjudged birds has 20 more marks."""
    names, columns = ("bill_length_mm", "body_mass_g"), (np.ones(60, np.float32), np.ones(60, np.float32))
    labels = np.arange(60) % 3
    none = scatter_picture(names, columns, labels, np.zeros(60, np.bool_))
    some = scatter_picture(names, columns, labels, np.arange(60) < 20)
    assert some.count("<use") == none.count("<use") + 20


def _figures(confusion: list[list[int]]) -> CrossValidation:
    return CrossValidation("", 1.0, 0.0, 0.0, 0.0, 0.1, confusion)


def test_confusion_note() -> None:
    """The note names the commonest mistake, or none."""
    assert "answer Adelie for a Gentoo: 2 times in 10." in confusion_note(_figures([[8, 0, 2], [1, 9, 0], [0, 0, 10]]))
    assert "mistake" not in confusion_note(_figures([[8, 0, 0], [0, 9, 0], [0, 0, 10]]))


@pytest.mark.parametrize(("accuracy", "word"), [(0.9, "overconfidence"), (1.0, "modesty")])
def test_calibration_note(accuracy: float, word: str) -> None:
    """The note says whether the model is too sure or not sure enough."""
    buckets = [Bucket(0, 0.0, 0.0)] * 9 + [Bucket(10, 0.95, accuracy)]
    assert f"errs towards {word}" in calibration_note(_figures([[1]]), buckets)


def test_shows_rivals_and_groups(page: str, summary: TrainingSummary) -> None:
    """The report has a row for every rival and every group, with its figures."""
    for each in summary.baselines:
        assert f"<td>{each.log_loss:.4f}</td>" in page
        assert f"<td>{each.settings}</td>" in page
    for group in summary.groups:
        assert f'<th scope="row">{group.column} {group.value}</th><td>{group.rows}</td>' in page


@pytest.mark.long
def test_no_groups_no_section(
    summary: TrainingSummary,
    reference: Uncertainty,
    penguins: Penguins,
    held_out: HeldOut,
    booster: xgboost.Booster,
) -> None:
    """Without columns of groups, the report has no section about them."""
    bare = msgspec.structs.replace(summary, groups=())
    written = report(bare, reference, penguins, held_out, booster)
    assert "as good for all birds" not in written
    assert "$" not in written


def test_binning_note_names_the_extremes() -> None:
    """The sentence about bins has the smallest and the largest error, with their bins."""
    errors = {("equal width", 5): 0.002, ("equal width", 20): 0.004, ("equally many answers", 5): 0.001}
    note = binning_note(errors)
    assert "from 0.10% with 5 bins of equally many answers to 0.40% with 20 bins of equal width" in note


def _rival(difference: float, interval: tuple[float, float], accuracy: float) -> Baseline:
    return Baseline(
        name="rival",
        settings="",
        accuracy=accuracy,
        accuracy_interval=(0.9, 1.0),
        log_loss=0.1,
        log_loss_interval=(0.0, 0.2),
        brier_score=0.1,
        adaptive_calibration_error=0.1,
        accuracy_difference=0.0,
        accuracy_difference_interval=(0.0, 0.0),
        log_loss_difference=difference,
        log_loss_difference_interval=interval,
    )


def test_baselines_note_says_who_wins(summary: TrainingSummary) -> None:
    """A rival that is clearly better is named, and so is the one that is right the most often."""
    better = msgspec.structs.replace(summary, baselines=(_rival(-0.1, (-0.2, -0.05), 1.0),))
    note = baselines_note(better)
    assert "of 0 of 1" in note
    assert "rival is smaller so clearly" in note
    assert "The most often right is rival, 100.00%" in note
    worse = baselines_note(msgspec.structs.replace(summary, baselines=(_rival(0.1, (0.05, 0.2), 0.5),)))
    assert "none is smaller" in worse
    assert "The most often right is this model" in worse


def test_groups_note_names_the_worse() -> None:
    """A group that is worse than chance is named with its figure and p-value."""
    chance = {"accuracy": 1.0, "log_loss": 0.01}
    group = Group("island", "Far", 9, 0.5, 1.0, 1.0, 0.0, chance, chance, ("log_loss",))
    assert "island Far: log loss (p = 0.01)" in groups_note((group,))
    assert "No group is worse" in groups_note((msgspec.structs.replace(group, worse=()),))
