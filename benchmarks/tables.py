"""The Markdown tables of one run."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.plan import JSON, OURS, PENGUIN
from benchmarks.results import Cell, Results, closest, per_row, ratio


class Target(NamedTuple):
    """A claim: how many times faster ours is than one contender, in one cell."""

    words: str
    model: str
    batch: str
    contender: str


TARGETS = (
    Target("one penguin, bare call", PENGUIN, "1", "xgb_classifier"),
    Target("one penguin, bare call", PENGUIN, "1", "inplace_predict"),
    Target("one penguin, JSON body to JSON answer", PENGUIN, JSON, "xgb_classifier"),
    Target("65,536 penguins", PENGUIN, "65536", "inplace_predict"),
    Target("65,536 rows, 500 trees x depth 6", "500x6", "65536", "inplace_predict"),
    Target("65,536 rows, 500 trees x depth 8", "500x8", "65536", "inplace_predict"),
)


def figure(value: float) -> str:
    """Three significant digits, never an exponent: 0.0412, 1.76, 392, 12,345."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 3 - len(f"{int(value)}") if value >= 1 else 2
    while value and value < 10**-digits * 100 and digits < 6:
        digits += 1
    return f"{value:.{digits}f}"


def times(value: float) -> str:
    """A ratio to two digits or the whole: 0.87x, 1.4x, 23x, 223x."""
    return f"{value:.2f}x" if value < 1 else f"{value:.1f}x" if value < 10 else f"{value:,.0f}x"


def batch_words(batch: str) -> str:
    """The head of a column."""
    return "JSON to JSON" if batch == JSON else "1 row" if batch == "1" else f"{int(batch):,} rows"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def headline(results: Results) -> str:
    """The targets that were measured, and where we are the least ahead."""
    rows = [_target(results, target) for target in TARGETS]
    return table(
        ["what", "against", "ours, µs/row", "theirs, µs/row", "ours is faster by"],
        [row for row in rows if row] + _least(results),
    )


def _target(results: Results, target: Target) -> list[str] | None:
    words, model, batch, contender = target
    cell = find(results, model, batch)
    if cell is None or contender not in cell.timings:
        return None
    name = results.contenders[contender]
    if (batch, contender) == (JSON, "xgb_classifier"):
        name += " and predict_proba"
    return _comparison(words, name, cell, contender)


def _comparison(words: str, name: str, cell: Cell, contender: str) -> list[str]:
    faster = f"**{times(ratio(cell, contender, OURS))}**"
    return [words, name, figure(per_row(cell, OURS)), figure(per_row(cell, contender)), faster]


def _least(results: Results) -> list[list[str]]:
    """The smallest ratio of them all: every model, batch and contender."""
    found = [(best, cell) for cell in results.cells if (best := closest(cell, OURS))]
    if not found:
        return []
    (_, contender), cell = min(found, key=lambda pair: pair[0])
    words = f"the closest of all: {cell.model}, {batch_words(cell.batch)}"
    return [_comparison(words, results.contenders[contender], cell, contender)]


def best_of_the_others(results: Results) -> str:
    """For every model and batch: how we stand against whichever contender is best there."""
    batches = batches_of(results)
    rows = [[name, *(_best(results, name, batch) for batch in batches)] for name in results.models]
    return table(["model", *map(batch_words, batches)], rows)


def _best(results: Results, model: str, batch: str) -> str:
    cell = find(results, model, batch)
    best = closest(cell, OURS) if cell else None
    return f"{times(best[0])} {results.contenders[best[1]]}" if best else ""


def model_table(results: Results, model: str) -> str:
    """Contenders by batches: microseconds per row, and how many times faster ours is."""
    batches = [batch for batch in batches_of(results) if find(results, model, batch)]
    rows = [
        [text, *(_cell_text(find(results, model, batch), name) for batch in batches)]
        for name, text in results.contenders.items()
    ]
    return table(["µs/row", *map(batch_words, batches)], rows)


def _cell_text(cell: Cell | None, contender: str) -> str:
    if cell is None or contender not in cell.timings:
        return "-"
    text = figure(per_row(cell, contender))
    return f"**{text}**" if contender == OURS else f"{text} ({times(ratio(cell, contender, OURS))})"


def skipped(results: Results) -> list[str]:
    """A line for each contender that could not take a model, and why."""
    models: dict[tuple[str, str], list[str]] = {}
    for cell in results.cells:
        for reason in cell.skipped.items():
            models.setdefault(reason, []).append(cell.model)
    return [
        f"- {results.contenders.get(name, name)} ({', '.join(dict.fromkeys(names))}): {why}"
        for (name, why), names in models.items()
    ]


def find(results: Results, model: str, batch: str) -> Cell | None:
    """The cell of a model and a batch, where it was measured."""
    return next((cell for cell in results.cells if (cell.model, cell.batch) == (model, batch)), None)


def batches_of(results: Results) -> list[str]:
    """All that were measured, smallest first, JSON before them."""
    return sorted({cell.batch for cell in results.cells}, key=lambda batch: 0 if batch == JSON else int(batch))
