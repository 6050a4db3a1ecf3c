"""The pictures of a report, in the style of the others."""

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.load.histogram import Histogram
from benchmarks.load.results import Results, Run
from benchmarks.pictures import encode, styled
from benchmarks.tables import figure as digits

FIRST, SECOND = "#0072b2", "#d55e00"  # Okabe and Ito's blue and vermilion
LINES = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#1f2933", "#8a94a0", "#b8860b")
STYLES = ("-", "--", "-.", ":")  # for those who see no colours
SHARES = tuple(1 - 10 ** (-place / 8) for place in range(1, 33))  # to the slowest of ten thousand


@styled
def pictures(results: Results, kind: str = "svg") -> dict[str, bytes]:
    """File names to bytes; what was not measured is not drawn."""
    figures: dict[str, Figure] = {}
    if results.runs:
        figures["load-latency-over-time"] = _panels(results, _latency, "p50 (blue) and p99 (red), ms, over seconds")
        label = "cores (blue, left) and resident MB (red, right), over seconds"
        figures["load-cpu-and-memory"] = _panels(results, _footprint, label)
    if results.runs or results.steady:
        figures["load-percentiles"] = _percentiles(results)
    return {f"{name}.{kind}": encode(drawn, kind) for name, drawn in figures.items()}


def _panels(results: Results, draw: Callable[[Axes, Run], None], label: str) -> Figure:
    """One for each profile, in rows of three."""
    runs = list(results.runs.values())
    columns = min(3, len(runs))
    rows = -(-len(runs) // columns)
    drawn = Figure(figsize=(3.7 * columns + 0.6, 2.7 * rows + 0.4), layout="constrained")
    places = list(drawn.subplots(rows, columns, squeeze=False).flat)
    for axes, run in zip(places, runs, strict=False):
        draw(axes, run)
        axes.set_title(f"{run.outcome.profile}, {run.outcome.requests / run.outcome.seconds:,.0f} requests/s")
        axes.grid(visible=True)
    for axes in places[len(runs) :]:
        axes.set_axis_off()
    drawn.supxlabel(label, fontsize=10.5)
    return drawn


def _latency(axes: Axes, run: Run) -> None:
    """The second line is dashed, for those who see no colours."""
    points = [point for point in run.outcome.points if point.requests]
    seconds = [point.second for point in points]
    axes.plot(seconds, [point.p50_ms for point in points], color=FIRST, linewidth=2)
    axes.plot(seconds, [point.p99_ms for point in points], color=SECOND, linewidth=1.5, linestyle="--")
    axes.set_yscale("log")
    slowest = max((point.p99_ms for point in points), default=1.0)
    axes.set_ylim(0.1, max(10.0, 2 * slowest))  # so that there are several numbers on the axis
    axes.yaxis.set_major_formatter(_plain)
    axes.yaxis.set_minor_formatter(lambda _value, _position: "")


def _footprint(axes: Axes, run: Run) -> None:
    busy, samples = run.busy, run.samples
    axes.plot([second for second, _ in busy], [cores for _, cores in busy], color=FIRST, linewidth=2)
    axes.set_ylim(0, max(0.05, 1.25 * max((cores for _, cores in busy), default=0)))
    memory = axes.twinx()
    memory.plot([look.second for look in samples], [look.rss_mb for look in samples], color=SECOND, linestyle="--")
    memory.set_ylim(0, 1.25 * run.peak_mb)


def _percentiles(results: Results) -> Figure:
    """How slow the slowest are: Locust's profiles beside the open loop, which counts from when a request was due."""
    panels = {
        "Locust, closed loop": {name: run.outcome.latency for name, run in results.runs.items()},
        "Open loop": {f"{digits(step.rate)} requests/s": step.latency for step in results.steady},
    }
    drawn = Figure(figsize=(10.8, 4.0), layout="constrained")
    for axes, (title, curves) in zip(drawn.subplots(1, 2, sharex=True, sharey=True), panels.items(), strict=True):
        for place, (name, latency) in enumerate(curves.items()):
            _curve(axes, name, latency, place)
        axes.set_title(title)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(0.8, 0.0005)
        axes.set_xticks([0.5, 0.1, 0.01, 0.001], ["p50", "p90", "p99", "p99.9"])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(_plain)
        axes.grid(visible=True)
        if curves:
            axes.legend(fontsize=9)
    drawn.supylabel("ms", fontsize=10.5)
    return drawn


def _curve(axes: Axes, name: str, latency: Histogram, place: int) -> None:
    """As far as there are requests to tell."""
    shares = [share for share in SHARES if latency.requests * (1 - share) >= 1]
    axes.plot(
        [1 - share for share in shares],
        [latency.quantile(share) / 1000 for share in shares],
        color=LINES[place % len(LINES)],
        linestyle=STYLES[place % len(STYLES)],
        linewidth=2,
        label=name,
    )


def _plain(value: float, _position: float) -> str:
    """1,000 where matplotlib would say 10 to the third."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
