"""Pages of docs/: the prose is in benchmarks/pages/, the tables are put into it."""

from pathlib import Path
from string import Template

from benchmarks.machine import ROOT
from contract.files import write_atomically

PAGES = Path(__file__).with_name("pages")
DOCS = ROOT / "docs"
PARTIAL = ROOT / "artifacts" / "bench" / "partial"  # pages of short runs, which never replace published figures


def write_page(path: Path, **parts: str) -> None:
    """Fill the page's template, benchmarks/pages/NAME.in, with these parts, and write it."""
    template = Template((PAGES / f"{path.name}.in").read_text(encoding="utf-8"))
    write_atomically(path, template.substitute(parts).encode())
    print(f"wrote {path}")
