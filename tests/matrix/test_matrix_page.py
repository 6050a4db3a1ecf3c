"""The page with what became of every model."""

from tests.matrix.cells import Cell
from tests.matrix.judge import EQUAL, REFUSED, THIRD, Outcome
from tests.matrix.page import counted, page

JUDGED = [
    (Cell("2.1.4", "gbtree", "binary:logistic", "plain"), Outcome(EQUAL, "")),
    (Cell("2.1.4", "gbtree", "binary:logistic", "one-hot"), Outcome(REFUSED, "categorical")),
    (Cell("2.1.4", "gbtree", "rank:map", "plain"), Outcome(EQUAL, "")),
    (Cell("1.0.2", "dart", "rank:map", "plain"), Outcome(REFUSED, "dart")),
    (Cell("2.1.4", "gbtree", "binary:logistic", "plain", "gamma"), Outcome(EQUAL, "")),
    (Cell("1.0.2", "gbtree", "binary:logistic", "plain", "gamma"), Outcome(REFUSED, "pruned by 1.0")),
]


def test_outcomes_are_counted() -> None:
    """The page counts the outcomes."""
    assert counted(JUDGED) == "6 models: 3 equal, 3 refused by name, 0 third outcomes"


def test_there_is_a_row_for_each_version_and_booster() -> None:
    """The page has a row for each version and booster, with the number of objectives."""
    lines = page(JUDGED, {}).splitlines()
    row = "| 2.1.4 | gbtree | 2 | 3 | 2 | 1 | categorical 1 |"
    assert row in lines
    assert lines.index("| 1.0.2 | dart | 1 | 1 | 0 | 1 | dart 1 |") < lines.index(row)


def test_a_situation_says_which_versions_are_equal_and_why_others_are_not() -> None:
    """The page says for each situation which versions are equal and why others are not."""
    assert "| gamma | 2.1.4 | 1.0.2 (pruned by 1.0) |" in page(JUDGED, {}).splitlines()


def test_a_third_outcome_is_told_with_its_text() -> None:
    """The page has the text of a third outcome."""
    third = (Cell("2.1.4", "gbtree", "binary:logistic", "named"), Outcome(THIRD, "ended with status -11"))
    text = page([*JUDGED, third], {})
    assert "- 2.1.4 gbtree.binary-logistic.named: ended with status -11" in text
    assert "1 third outcomes" in text
    assert "## Third outcomes" not in page(JUDGED, {})


def test_what_was_left_out_is_said_with_the_reason() -> None:
    """The page says what was left out and why."""
    assert "Left out: XGBoost 3.4.1: Python 3.12 is not on this machine." in page(
        JUDGED, {"3.4.1": "Python 3.12 is not on this machine"}
    )
