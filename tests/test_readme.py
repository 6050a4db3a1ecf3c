"""What README says is so."""

import re
from pathlib import Path

import msgspec
import pytest
import xgboost

from app.core.settings import Settings
from contract.training import TrainingSummary
from tests.support.commands import ROOT
from tests.support.service import Service

SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def is_described() -> bool:
    """Whether this XGBoost trains the model whose answer README prints. Another version's are close."""
    version = re.search(r"the answer of the image's model, trained by XGBoost ([\d.]+)\.", README)
    assert version is not None
    return version[1] == str(xgboost.__version__)


def test_its_example_gives_its_answer(service: Service) -> None:
    """README's command gets README's answer."""
    body = re.search(r"-d '(\{.*?\})'", README, re.DOTALL)
    answer = re.search(r"```json\n(.*?)\n```", README, re.DOTALL)
    assert body is not None
    assert answer is not None
    reply = service.predict(body[1].encode())
    if is_described():
        assert reply.body == answer[1].encode()
    found, printed = reply.document, msgspec.json.decode(answer[1])
    assert found.pop("probabilities") == pytest.approx(printed.pop("probabilities"), abs=1e-4)
    assert found == printed


def test_its_quality_is_the_model_s(artifacts: Path) -> None:
    """README states the accuracy and log loss of the model."""
    summary = msgspec.json.decode((artifacts / "training.json").read_bytes(), type=TrainingSummary)
    printed = re.search(r"accuracy (0\.\d{4}), log loss (0\.\d{4}) nats", README)
    assert printed is not None
    found = summary.cross_validation.accuracy, summary.cross_validation.log_loss
    if is_described():
        assert printed.groups() == tuple(f"{figure:.4f}" for figure in found)
    assert found == pytest.approx(tuple(map(float, printed.groups())), abs=4e-3)


def test_every_setting_is_listed_with_its_default() -> None:
    """Every setting is listed with its default, and README agrees."""
    found = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", SETTINGS, re.MULTILINE))
    listed = re.search(r"Settings are environment variables: (.*?)\. ", README, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`(\w+)` \((.*?)\)", listed[1])) <= set(found.items())
    assert found == {field.encode_name: str(field.default) for field in msgspec.structs.fields(Settings)}


def test_its_links_lead_somewhere() -> None:
    """Every link of README leads to a file."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_make_targets_exist() -> None:
    """Every `make` target of README exists."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile, target


def test_its_figures_are_rows_of_the_pages() -> None:
    """Each row of figures is a row of the page that it names, with that run's date and machine."""
    figures = re.findall(r"^\|.*\*\*[\d.]+x\*\* \|$", README, re.MULTILINE)
    assert len(figures) > 4
    for name in ("http-benchmarks", "benchmarks"):
        page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8").splitlines()
        taken = [row for row in figures if row in page]
        assert taken, name
        figures = [row for row in figures if row not in taken]
        date, machine = re.search(r"edit\. (\d{4}-\d\d-\d\d).*\n([^,]+),", "\n".join(page)).groups()  # type: ignore[union-attr]
        assert f"{date}, {machine}" in README
    assert figures == []


def test_it_is_short() -> None:
    """Long enough for the first ten minutes; all else has a page of its own."""
    assert README.count("\n") <= 120
