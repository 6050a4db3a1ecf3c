"""The training report: everything in it that it shows, said so that eyes and screen readers get it."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
import xgboost

from contract.training import CrossValidation, TrainingSummary
from contract.uncertainty import Uncertainty
from evaluation.calibration import Bucket
from train.contract import CLASSES, CONTRACT
from train.evaluate import HeldOut
from train.page.notes import calibration_note, confusion_note
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
    """The report has four well-formed pictures, each with a description in a figure."""
    pictures = re.findall(r"<figure>(<svg.*?</svg>)", page, re.DOTALL)
    assert len(pictures) == 4
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
    for text in (summary.data_sha256, summary.model_sha256, "<td>344</td>", "<td>342</td>", "chosen on the same folds"):
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
