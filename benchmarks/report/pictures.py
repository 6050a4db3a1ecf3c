"""The pictures of all pages: SVG on white, in two colours that all can tell apart, and two shapes."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, OTHERS = ("#0072b2", "o"), ("#1f2933", "s")  # colour and shape
styled = matplotlib.rc_context(
    {
        "svg.hashsalt": "benchmarks",  # otherwise ids, and so the bytes, differ from run to run
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "ytick.major.size": 0,
        "xtick.minor.size": 0,
    }
)


class Dot(NamedTuple):
    """A contender in a panel; `text` stands beside it."""

    name: str
    value: float
    text: str
    ours: bool


@styled
def dots(panels: Mapping[str, Sequence[Dot]], label: str) -> bytes:
    """Return an SVG file with a panel for each title. Dots, not bars: a logarithmic axis has no zero to stand on."""
    drawn = Figure(figsize=(max(8.4, 4.9 * len(panels)), 4.0), layout="constrained")
    places = drawn.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, found) in zip(places, panels.items(), strict=True):
        _dots(axes, sorted(found, key=lambda dot: dot.value, reverse=True))
        axes.set(title=title, xlabel=label)
    data = BytesIO()
    drawn.savefig(data, format="svg", facecolor="#ffffff", metadata={"Date": None})
    return data.getvalue()


def _dots(axes: Axes, found: Sequence[Dot]) -> None:
    values = [dot.value for dot in found]
    for place, dot in enumerate(found):
        colour, shape = OURS if dot.ours else OTHERS
        axes.plot([min(values) / 2, dot.value], [place, place], color="#e8ecf0", linewidth=2, zorder=1)
        axes.plot(dot.value, place, marker=shape, color=colour, markersize=9)
        weight = "bold" if dot.ours else "normal"
        axes.annotate(dot.text, (dot.value, place), (9, 0), textcoords="offset points", va="center", weight=weight)
    axes.set_yticks(range(len(found)), [dot.name for dot in found])
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 2, max(values) * 14)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axes.minorticks_off()
