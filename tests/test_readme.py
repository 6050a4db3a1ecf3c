"""What README says is so."""

import re

import msgspec

from app.settings import Settings
from tests.commands import ROOT
from tests.service import Service

SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_example_gives_its_answer(service: Service) -> None:
    """The curl command's body gets the printed answer, to the last digit."""
    body = re.search(r"-d '(\{.*?\})'", README, re.DOTALL)
    answer = re.search(r"```json\n(.*?)\n```", README, re.DOTALL)
    assert body
    assert answer
    assert service.predict(body[1].encode()).body == answer[1].encode()


def test_every_setting_is_listed_with_its_default() -> None:
    """And none that there is not; README's few agree."""
    found = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", SETTINGS, re.MULTILINE))
    listed = re.search(r"Settings are environment variables: (.*?)\. ", README, re.DOTALL)
    assert listed
    assert set(re.findall(r"`(\w+)` \((.*?)\)", listed[1])) <= set(found.items())
    assert found == {field.encode_name: str(field.default) for field in msgspec.structs.fields(Settings)}


def test_its_links_lead_somewhere() -> None:
    """To files of this repository."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_make_targets_exist() -> None:
    """Every `make x` that it names is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile, target


def test_its_figures_are_those_of_the_benchmarks() -> None:
    """The headline table, line for line, and the date and machine of that run."""
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    start = page.index("| what |")
    assert page[start : page.index("\n\n", start)] in README
    date, machine = re.search(r"edit\. (\d{4}-\d\d-\d\d).*\n([^,]+),", page).groups()  # type: ignore[union-attr]
    assert f"{date}, {machine}" in README
