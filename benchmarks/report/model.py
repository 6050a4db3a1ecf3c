"""docs/benchmarks.md and docs/request.md: tables from one run of pytest-benchmark."""

from pathlib import Path

from benchmarks.contenders.models import PENGUIN
from benchmarks.page import write_page
from benchmarks.report.pictures import Dot, dots
from benchmarks.report.saved import Row, Saved, closest, ratio
from benchmarks.tables import figure, table, times
from benchmarks.timed.cells import JSON, OURS
from contract.files import write_atomically

PICTURED = {PENGUIN: "Penguins", "500x6": "500 trees of depth 6"}
CLAIMS = (  # the headline: words, model, batch, and the contender that ours is compared with
    ("one penguin, bare call", PENGUIN, "1", "xgb_classifier"),
    ("one penguin, bare call", PENGUIN, "1", "inplace_predict"),
    ("one penguin, JSON body to JSON answer", PENGUIN, JSON, "xgb_classifier"),
    ("65,536 penguins", PENGUIN, "65536", "inplace_predict"),
    ("65,536 rows, 500 trees x depth 6", "500x6", "65536", "inplace_predict"),
    ("65,536 rows, 500 trees x depth 8", "500x8", "65536", "inplace_predict"),
)


def write_model(saved: Saved, directory: Path) -> None:
    """Write benchmarks.md and its picture, and print the headline."""
    top = headline(saved)
    one_row = {title: _dots(cell) for model, title in PICTURED.items() if (cell := saved.group(model, "1"))}
    if one_row:  # what was not measured is not drawn
        picture = dots(one_row, "µs for one row (less is better)")
        write_atomically(directory / "pictures" / "benchmark-one-row.svg", picture)
    reasons = dict.fromkeys(why for row in saved.benchmarks for why in row.extra_info.left_out.values())
    write_page(
        directory / "benchmarks.md",
        heading=saved.made.words("make bench"),
        instruction_set=str(max(row.extra_info.instruction_sets for row in saved.benchmarks)),
        headline=top,
        best=best_of_the_others(saved),
        models="\n\n".join(_model(saved, name, words) for name, words in saved.models().items()),
        left_out="\n".join(f"- {why}" for why in reasons) or "Nobody.",
    )
    print(top)


def write_request(saved: Saved, directory: Path) -> None:
    """Write request.md: the least time of each part, because what disturbs only adds."""
    rows = [[row.name, f"{min(row.stats.data) * 1e6:.2f}"] for row in saved.benchmarks]
    made = saved.made.words("make bench-request")
    write_page(directory / "request.md", heading=made, parts=table(["part", "µs"], rows))


def batch_words(batch: str) -> str:
    """Return the head of a column."""
    return "JSON to JSON" if batch == JSON else "1 row" if batch == "1" else f"{int(batch):,} rows"


def headline(saved: Saved) -> str:
    """Return the claims that were measured, and where ours is the least ahead."""
    groups = {(model, batch): saved.group(model, batch) for model in saved.models() for batch in saved.batches(model)}
    rows = []
    for words, model, batch, contender in CLAIMS:
        cell = groups.get((model, batch), {})
        if contender in cell:
            both = (batch, contender) == (JSON, "xgb_classifier")
            rows.append(_comparison(words, cell, contender, " and predict_proba" * both))
    if found := [(best, place) for place, cell in groups.items() if (best := closest(cell))]:
        (_, contender), (model, batch) = min(found)
        words = f"the closest of all: {model}, {batch_words(batch)}"
        rows.append(_comparison(words, groups[model, batch], contender))
    return table(["what", "against", "ours, µs/row", "theirs, µs/row", "ours is faster by"], rows)


def _comparison(words: str, cell: dict[str, Row], contender: str, more: str = "") -> list[str]:
    ours, theirs = cell[OURS], cell[contender]
    faster = f"**{times(ratio(theirs, ours))}**"
    return [words, theirs.extra_info.words + more, figure(ours.us), figure(theirs.us), faster]


def best_of_the_others(saved: Saved) -> str:
    """Return how ours stands beside the best contender, by model and batch."""
    batches = saved.batches()
    rows = []
    for model in saved.models():
        best = [closest(saved.group(model, batch)) for batch in batches]
        rows.append([model, *(f"{times(one[0])} {saved.words()[one[1]]}" if one else "" for one in best)])
    return table(["model", *map(batch_words, batches)], rows)


def _model(saved: Saved, model: str, words: str) -> str:
    """Return one model: contenders by batches, in microseconds a row, and how many times faster ours is."""
    cells = {batch: saved.group(model, batch) for batch in saved.batches(model)}
    rows = [[text, *(_time(cell, name) for cell in cells.values())] for name, text in saved.words().items()]
    begins = "Rows of four measurements" if model == PENGUIN else "Synthetic"
    about = f"{begins}; {words}. In brackets: how many times faster ours is."
    return "\n\n".join((f"## {model}", about, table(["µs/row", *map(batch_words, cells)], rows)))


def _time(cell: dict[str, Row], name: str) -> str:
    if name not in cell:
        return "-"
    text = figure(cell[name].us)
    return f"**{text}**" if name == OURS else f"{text} ({times(ratio(cell[name], cell[OURS]))})"


def _dots(cell: dict[str, Row]) -> list[Dot]:
    """Return every contender's time for one row, with how many times faster ours is."""
    return [
        Dot(
            row.extra_info.words,
            row.us,
            figure(row.us) + ("" if name == OURS else f"  ({times(ratio(row, cell[OURS]))})"),
            name == OURS,
        )
        for name, row in cell.items()
    ]
