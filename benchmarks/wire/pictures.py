"""The pictures of one run, in the style of the others."""

from statistics import median

from matplotlib.figure import Figure

from benchmarks.pictures import Dot, dots, encode, styled
from benchmarks.tables import figure as digits
from benchmarks.wire.plan import ASGI, MANY, NEW_HEADS, OURS, PLAIN, UVLOOP
from benchmarks.wire.results import Results, middle, ratio
from benchmarks.wire.tables import cpu, two_digits

STYLES = {  # Okabe and Ito's colours; ours the strongest
    OURS: ("#0072b2", "o"),
    NEW_HEADS: ("#e69f00", "D"),
    "starlette": ("#56b4e9", "X"),
    PLAIN: ("#d55e00", "^"),
    ASGI: ("#009e73", "P"),
    UVLOOP: ("#1f2933", "s"),
}


@styled
def pictures(results: Results, kind: str = "svg") -> dict[str, bytes]:
    """File names to bytes."""
    figures = {"http-cpu-per-request": _cpu(results), "http-start-and-memory": _footprint(results)}
    return {f"{name}.{kind}": encode(drawn, kind) for name, drawn in figures.items()}


def _cpu(results: Results) -> Figure:
    drawn = Figure(figsize=(8.4, 3.0), layout="constrained")
    values = {name: middle(measured.closed[MANY], cpu) for name, measured in results.measured.items()}
    title, label = f"POST /predict, {MANY} connections", "µs of the server's CPU for one request (less is better)"
    dots(drawn.subplots(), [_dot(results, name, value) for name, value in values.items()], title, label)
    return drawn


def _dot(results: Results, name: str, value: float) -> Dot:
    text = digits(value)
    if name != OURS and OURS in results.measured:
        text += f"  ({two_digits(ratio(results, name, OURS, MANY, cpu))})"
    return Dot(results.contenders[name], value, text, STYLES[name], ours=name == OURS)


def _footprint(results: Results) -> Figure:
    """A panel for the start, one for memory."""
    measured = results.measured
    panels = {
        "ms from exec to the first 200": {name: median(found.first_answer_ms) for name, found in measured.items()},
        "MB resident after the load": {name: found.memory.rss_mb for name, found in measured.items()},
    }
    drawn = Figure(figsize=(10.8, 3.0), layout="constrained")
    for axes, (label, values) in zip(drawn.subplots(1, len(panels)), panels.items(), strict=True):
        found = [
            Dot(results.contenders[name], value, digits(value), STYLES[name], ours=name == OURS)
            for name, value in values.items()
        ]
        dots(axes, found, "Cold start" if label.startswith("ms") else "Memory", f"{label} (less is better)")
    return drawn
