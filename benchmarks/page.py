"""Pages of docs/: the prose is in benchmarks/pages/, the tables are put into it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

from benchmarks.machine import ROOT
from contract.files import write_atomically

PAGES = Path(__file__).with_name("pages")
DOCS = ROOT / "docs"
PARTIAL = ROOT / "artifacts" / "bench" / "partial"  # pages of quick runs, which never replace published figures


class Options(NamedTuple):
    """What the user asked for: a quick run or a whole one, and where its page goes."""

    quick: bool
    out: Path


def options(module: str, arguments: Sequence[str] | None, published: Path = DOCS) -> Options:
    """Parse the command line of `python -m benchmarks.MODULE`; a whole run goes to the published place."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}")
    parser.add_argument("--quick", action="store_true", help="measure little, to try it; the page is not published")
    parser.add_argument("--out", type=Path, metavar="DIRECTORY", help=f"where the page goes (default: {published})")
    found = parser.parse_args(arguments)
    return Options(found.quick, found.out or (PARTIAL if found.quick else published))


def write_page(path: Path, heading: Sequence[str], **parts: str) -> None:
    """Fill the page's template, benchmarks/pages/NAME.in, with its heading and these parts, and write it."""
    template = Template((PAGES / f"{path.name}.in").read_text(encoding="utf-8"))
    write_atomically(path, template.substitute(parts, heading="\n".join(heading)).encode())
    print(f"wrote {path}")
