"""What is sent is the source without its comments: the same tokens of each script, the same rules of each sheet."""

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page

from app.page.files import FOLDER, StaticFiles
from tests.support.commands import ROOT
from tests.support.service import Service

pytestmark = pytest.mark.browser

TOOLS = ROOT / "tests/browser"
RULES = "text => { const s = new CSSStyleSheet(); s.replaceSync(text); return [...s.cssRules].map(r => r.cssText) }"


def tokens(*paths: Path) -> list[str]:
    if not (shutil.which("node") and (TOOLS / "node_modules/acorn").is_dir()):
        pytest.skip("no tokenizer here: apt install npm, then make test-browser")
    printed = subprocess.run(
        ["node", TOOLS / "tokens.mjs", *paths], capture_output=True, text=True, timeout=60, check=True
    )
    return printed.stdout.splitlines()


def test_scripts_lose_nothing_but_comments(tmp_path: Path) -> None:
    """Every script that is sent has the tokens of its source, on the same lines."""
    sources = sorted(FOLDER.glob("*.js"))
    for source in sources:
        sent = StaticFiles().file(source.name)
        assert sent is not None
        (tmp_path / source.name).write_bytes(sent.identity.body)
        assert sent.identity.body.count(b"\n") == source.read_bytes().count(b"\n")
    found = tokens(*(tmp_path / source.name for source in sources))
    assert len(found) > 1000
    assert found == tokens(*sources)


def test_style_sheets_lose_nothing_but_comments(page: Page, service: Service) -> None:
    """Every style sheet that is sent has the rules of its source."""
    page.goto(f"http://127.0.0.1:{service.port}/docs")
    for source in FOLDER.glob("*.css"):
        sent = StaticFiles().file(source.name)
        assert sent is not None
        rules = page.evaluate(RULES, sent.identity.body.decode())
        assert rules
        assert rules == page.evaluate(RULES, source.read_text())
