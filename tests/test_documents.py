"""Documents lead somewhere: each file and heading that they, the code or the rules name is there."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import ROOT

LISTED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
FILES = [name for name in LISTED if (ROOT / name).is_file() and not name.startswith("tests/")]  # which make their own
DOCUMENTS = [name for name in FILES if name.endswith(".md")]
CODE = [name for name in FILES if name.endswith((".py", ".yaml", ".toml", ".cfg", "Makefile", "Dockerfile"))]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
NAMED = re.compile(r"(?<![\w/.-])((?:docs/)?[\w-]+\.md)(?:#([\w-]+))?")
MADE = {"model_card.md", "data_card.md"}  # by training: they are in no folder of the repository
SOURCE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|c|h|yaml|toml|cfg|json|css|html))`")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(name: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    without_code = re.sub(r"^ *```.*?^ *```", "", text_of(name), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_documents() -> None:
    """There is at least one document to check."""
    if not LISTED:
        pytest.skip("no list of files here: git ls-files says nothing")
    assert {"README.md", "OPERATIONS.md", "LOAD_TEST_REPORT.md", "docs/telemetry.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files_and_headings(name: str) -> None:
    """Every link of a document leads to a file and a heading."""
    for file, anchor in LINK.findall(text_of(name)):
        target = (ROOT / name).parent / file if file else ROOT / name
        assert target.exists(), f"{name}: {file}"
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), f"{name}: {file}#{anchor}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_named_by_links(name: str) -> None:
    """A document is named by a link wherever another document names it."""
    prose = re.sub(r"^ *```.*?^ *```|`[^`]*`", "", text_of(name), flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"\[[^]]*\]\([^)]*\)", "", prose)
    assert [path for path, _ in NAMED.findall(prose) if Path(name).name != Path(path).name] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_sources_that_a_document_names_exist(name: str) -> None:
    """Every path in a document exists, or is made later."""
    for path in SOURCE.findall(text_of(name)):
        assert path.startswith("artifacts/") or (ROOT / path).exists(), f"{name}: {path}"


@pytest.mark.parametrize("name", CODE)
def test_documents_that_code_names_exist(name: str) -> None:
    """Every document that code names exists, with its heading."""
    for path, anchor in NAMED.findall(text_of(name)):
        if path in MADE:
            continue
        known = [each for each in (path, f"docs/{path}", str(Path(name).parent / path)) if each in DOCUMENTS]
        assert known, f"{name}: {path}"
        assert not anchor or anchor in anchors(known[0]), f"{name}: {path}#{anchor}"
