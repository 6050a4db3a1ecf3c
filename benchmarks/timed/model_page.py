"""python -m benchmarks.timed.model_page [--quick] [--out DIRECTORY]: docs/benchmarks.md, from `make bench`."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.contenders.models import PENGUIN
from benchmarks.machine import heading
from benchmarks.page import options, write_page
from benchmarks.tables import figure, table, times
from benchmarks.timed.cells import OURS
from benchmarks.timed.saved import Row, read_saved
from contract.refusal import exit_status

PACKAGES = (
    *("xgboost", "tl2cgen", "onnxruntime", "onnxmltools", "pylignum", "scikit-learn-intelex"),
    *("timber-compiler", "numpy"),
)
CLAIMS = (  # the headline: words, model, rows, and the contender that ours is compared with
    ("one penguin", PENGUIN, 1, "xgb_classifier"),
    ("one penguin", PENGUIN, 1, "inplace_predict"),
    ("65,536 penguins", PENGUIN, 65536, "inplace_predict"),
    ("one row, 500 trees x depth 6", "500x6", 1, "lignum_interpreter"),
    ("one row, 500 trees x depth 8", "500x8", 1, "lignum_interpreter"),
    ("16 rows, 500 trees x depth 6", "500x6", 16, "lignum_interpreter"),
    ("65,536 rows, 500 trees x depth 6", "500x6", 65536, "inplace_predict"),
    ("65,536 rows, 500 trees x depth 8", "500x8", 65536, "inplace_predict"),
)
Cells = dict[str, dict[int, dict[str, Row]]]  # by model, by rows of a batch, by contender


def cells_of(rows: Iterable[Row]) -> Cells:
    """Sort the rows of a run into cells."""
    cells: Cells = {}
    for row in (row for row in rows if not row.extra_info.state):
        cells.setdefault(row.extra_info.model, {}).setdefault(row.extra_info.rows, {})[row.name] = row
    return cells


def write_model(rows: Sequence[Row], directory: Path) -> None:
    """Write benchmarks.md, and print the headline."""
    cells = cells_of(rows)
    top = headline(cells)
    write_page(
        directory / "benchmarks.md",
        heading("Benchmarks", "make bench", PACKAGES),
        instruction_set=str(max(row.extra_info.instruction_sets for row in rows)),
        headline=top,
        states=states(rows, cells),
        models="\n\n".join(_model(model, batches) for model, batches in cells.items()),
    )
    print(top)


def headline(cells: Cells) -> str:
    """Return the claims that were measured, and where ours is the least ahead."""
    rows = []
    for words, model, batch, contender in CLAIMS:
        cell = cells.get(model, {}).get(batch, {})
        if contender in cell:
            rows.append(_comparison(words, cell[OURS], cell[contender]))
    pairs = [
        (row.ratio(cell[OURS]), cell[OURS], row)
        for batches in cells.values()
        for cell in batches.values()
        for name, row in cell.items()
        if name != OURS and not row.extra_info.wrong
    ]
    if pairs:
        _, ours, theirs = min(pairs, key=lambda pair: pair[0])
        about = theirs.extra_info
        rows.append(_comparison(f"the closest of all: {about.model}, {_rows(about.rows)}", ours, theirs))
    return table(["what", "against", "ours, µs/row", "theirs, µs/row", "ours is faster by"], rows)


def states(rows: Iterable[Row], cells: Cells) -> str:
    """Return what one row costs if rows vary, if it is always the same, and if caches are cold."""
    stated = [row for row in rows if row.extra_info.state and not row.extra_info.wrong]
    by_state: dict[str, dict[str, Row]] = {}
    for row in stated:
        by_state.setdefault(row.extra_info.state, {})[row.name] = row
    varied = cells.get(stated[0].extra_info.model, {}).get(1, {}) if stated else {}
    found = [
        [row.extra_info.contender, *(_time(cell, name) for cell in (varied, *by_state.values()))]
        for name, row in varied.items()
        if not row.extra_info.wrong
    ]
    return table(["µs/row", "rows vary", *by_state], found)


def _comparison(words: str, ours: Row, theirs: Row) -> list[str]:
    faster = f"**{times(theirs.ratio(ours))}**"
    return [words, theirs.extra_info.contender, figure(ours.us), figure(theirs.us), faster]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _model(model: str, batches: dict[int, dict[str, Row]]) -> str:
    """Return one model: contenders by batches, in microseconds a row, and how many times faster ours is."""
    row_of = {name: row.extra_info for cell in batches.values() for name, row in cell.items()}
    rows = [[about.contender, *(_time(cell, name) for cell in batches.values())] for name, about in row_of.items()]
    begins = "Rows of four measurements" if model == PENGUIN else "Synthetic"
    words = f"{begins}; {next(iter(row_of.values())).about}. In brackets: how many times faster ours is."
    return "\n\n".join((f"## {model}", words, table(["µs/row", *map(_rows, batches)], rows)))


def _time(cell: dict[str, Row], name: str) -> str:
    if name not in cell:
        return "-"
    if cell[name].extra_info.wrong:
        return f"wrong: {cell[name].extra_info.wrong}"
    text = figure(cell[name].us)
    return f"**{text}**" if name == OURS else f"{text} ({times(cell[name].ratio(cell[OURS]))})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, and write the page. Returns the exit status."""
    out = options("timed.model_page", arguments).out
    return exit_status(lambda: write_model(read_saved("model", "make bench"), out))


if __name__ == "__main__":
    sys.exit(main())
