"""The page that lists the cases."""

from tests.app.http.conformance.cases import CASES
from tests.app.http.conformance.page import PAGE, page


def test_every_case_has_its_own_name() -> None:
    """No two cases have one name, and there are at least 70."""
    assert len({case.name for case in CASES}) == len(CASES) >= 70


def test_every_requirement_stands_by_itself() -> None:
    """No two rows of the page say the same."""
    assert len({case.requirement for case in CASES}) == len(CASES)


def test_the_page_is_the_table() -> None:
    """docs/conformance.md has the text that its command writes."""
    assert PAGE.read_text(encoding="utf-8") == page()
