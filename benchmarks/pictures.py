"""The pictures of one run: SVG on white, in colours for all kinds of colour vision, with shapes that do without."""

from io import BytesIO
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks.plan import OURS, PENGUIN, SYNTHETIC
from benchmarks.results import Cell, Results, per_row, ratio
from benchmarks.tables import figure as digits
from benchmarks.tables import find, times

INK, FAINT, GRID = "#1f2933", "#8a94a0", "#e8ecf0"
STYLES = {  # Okabe and Ito's colours; ours the strongest
    OURS: ("#0072b2", "o"),
    "xgb_classifier": ("#d55e00", "^"),
    "booster_dmatrix": ("#e69f00", "v"),
    "inplace_predict": ("#1f2933", "s"),
    "treelite_gtil": ("#cc79a7", "D"),
    "tl2cgen_predictor": ("#009e73", "P"),
    "onnxruntime_session": ("#56b4e9", "X"),
}
PANELS = (PENGUIN, "500x6")
ONE_DEPTH = tuple(synthetic.name for synthetic in SYNTHETIC if synthetic.depth == 6 and not synthetic.missing)


class Dot(NamedTuple):
    """A contender in a panel; `text` stands beside it, `style` is its colour and shape."""

    name: str
    value: float
    text: str
    style: tuple[str, str]
    ours: bool


styled = matplotlib.rc_context(
    {
        "svg.hashsalt": "benchmarks",  # else ids, and so the bytes, differ from run to run
        "font.size": 10.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": FAINT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.titlelocation": "left",
        "axes.titlesize": 11.5,
        "axes.titleweight": "bold",
        "axes.titlepad": 12,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": GRID,
        "legend.frameon": False,
    }
)


@styled
def pictures(results: Results, kind: str = "svg") -> dict[str, bytes]:
    """File names to bytes; what was not measured is not drawn."""
    figures = {
        "benchmark-one-row": _one_row(results),
        "benchmark-rows-per-second": _rows_per_second(results),
        "benchmark-cost-by-trees": _cost_by_trees(results),
    }
    return {f"{name}.{kind}": encode(drawn, kind) for name, drawn in figures.items() if drawn}


def encode(drawn: Figure, kind: str) -> bytes:
    """The bytes of a file, the same on every run."""
    data = BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    drawn.savefig(data, format=kind, facecolor="#ffffff", dpi=110, metadata=metadata)
    return data.getvalue()


def _one_row(results: Results) -> Figure | None:
    """Latency of one row by contender, a panel for each model."""
    cells = [cell for model in PANELS if (cell := find(results, model, "1"))]
    if not cells:
        return None
    drawn = Figure(figsize=(9.6, 3.6), layout="constrained")
    for axes, cell in zip(drawn.subplots(1, len(cells), squeeze=False)[0], cells, strict=True):
        _latencies(axes, results, cell)
    return drawn


def _latencies(axes: Axes, results: Results, cell: Cell) -> None:
    found = [_dot(results, cell, name) for name in cell.timings]
    dots(axes, found, _model_words(cell.model), "µs for one row (less is better)")


def _dot(results: Results, cell: Cell, name: str) -> Dot:
    value = per_row(cell, name)
    text = digits(value) if name == OURS else f"{digits(value)}  ({times(ratio(cell, name, OURS))})"
    return Dot(results.contenders[name], value, text, STYLES[name], ours=name == OURS)


def dots(axes: Axes, found: list[Dot], title: str, label: str) -> None:
    """Dots, not bars: a logarithmic axis has no zero for a bar to stand on. The least is at the top."""
    found = sorted(found, key=lambda dot: dot.value, reverse=True)
    values = [dot.value for dot in found]
    for place, dot in enumerate(found):
        colour, shape = dot.style
        axes.plot([min(values) / 2, dot.value], [place, place], color=GRID, linewidth=2, zorder=1)
        axes.plot(dot.value, place, marker=shape, color=colour, markersize=9)
        weight = "bold" if dot.ours else "normal"
        axes.annotate(dot.text, (dot.value, place), (9, 0), textcoords="offset points", va="center", weight=weight)
    axes.set_yticks(range(len(found)), [dot.name for dot in found])
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 2, max(values) * 14)
    axes.xaxis.set_major_formatter(_plain)
    axes.minorticks_off()
    axes.set_xlabel(label)
    axes.set_title(title)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _rows_per_second(results: Results) -> Figure | None:
    """Throughput by batch, a panel for each model."""
    models = [model for model in PANELS if len(_batches(results, model)) > 1]
    if not models:
        return None
    drawn = Figure(figsize=(9.6, 4.6), layout="constrained")
    panels = drawn.subplots(1, len(models), squeeze=False, sharey=True)[0]
    for axes, model in zip(panels, models, strict=True):
        cells = _batches(results, model)
        for name in results.contenders:
            points = [(cell.rows, 1e6 / per_row(cell, name)) for cell in cells if name in cell.timings]
            _line(axes, results, name, points)
        _logarithmic(axes, [cell.rows for cell in cells])
        axes.set_xlabel("rows in one call")
        axes.set_title(_model_words(model))
    panels[0].set_ylabel("rows per second (more is better)")
    _legend(drawn, panels[0])
    return drawn


def _cost_by_trees(results: Results) -> Figure | None:
    """Cost of a row by the number of trees, in the largest batch that all those models have."""
    measured = [{cell.rows for cell in cells} for model in ONE_DEPTH if (cells := _batches(results, model))]
    if len(measured) < 2 or not (shared := set.intersection(*measured)):
        return None
    rows = max(shared)
    cells = [cell for model in ONE_DEPTH if (cell := find(results, model, str(rows)))]
    drawn = Figure(figsize=(7.4, 4.6), layout="constrained")
    axes = drawn.subplots()
    for name in results.contenders:
        counted = [(results.models[cell.model].trees, per_row(cell, name)) for cell in cells if name in cell.timings]
        _line(axes, results, name, counted)
    _logarithmic(axes, [results.models[cell.model].trees for cell in cells], steps=(1, 2, 5))
    axes.set_xlabel("trees of depth 6, 28 features")
    axes.set_ylabel("µs per row (less is better)")
    axes.set_title(f"Cost of a row, {rows:,} in one call")
    _legend(drawn, axes)
    return drawn


def _batches(results: Results, model: str) -> list[Cell]:
    """The cells of a model, the JSON one left out."""
    cells = [cell for cell in results.cells if cell.model == model and cell.batch.isdecimal()]
    return sorted(cells, key=lambda cell: cell.rows)


def _line(axes: Axes, results: Results, name: str, points: list[tuple[int, float]]) -> None:
    colour, shape = STYLES[name]
    width, size, order = (3.0, 8, 3) if name == OURS else (1.5, 6, 2)
    x, y = [point[0] for point in points], [point[1] for point in points]
    axes.plot(
        x, y, color=colour, marker=shape, linewidth=width, markersize=size, zorder=order, label=results.contenders[name]
    )


def _logarithmic(axes: Axes, ticks: list[int], steps: tuple[float, ...] = (1,)) -> None:
    """Both axes; `steps` are the ticks of y within each power of ten."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter(_plain)
    axes.minorticks_off()
    axes.grid(visible=True)


def _plain(value: float, _position: float) -> str:
    """1,000 where matplotlib would say 10 to the third."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _legend(drawn: Figure, axes: Axes) -> None:
    drawn.legend(*axes.get_legend_handles_labels(), loc="outside right upper", handlelength=2.5, labelspacing=0.8)


def _model_words(model: str) -> str:
    if model == PENGUIN:
        return "Penguins"
    trees, depth = model.split("x")
    return f"{trees} trees of depth {depth}"
