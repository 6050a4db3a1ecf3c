"""The pictures of the training report. Each is an SVG element to put into a page."""

import re
from io import StringIO

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from contract.training import Interval
from evaluation.calibration import BUCKETS, Bucket
from train.contract import CLASSES
from train.page.labels import feature_axis, feature_words

INK, FAINT, BLUE, PALE = "#1f2933", "#8a94a0", "#0072b2", "#d9e6ef"
# Okabe and Ito's colours for all kinds of colour vision; the shapes distinguish the species without colour.
COLOURS = ("#0072b2", "#cc79a7", "#d55e00", "#009e73", "#e69f00", "#56b4e9")
SHAPES = ("o", "D", "^", "s", "v", "P")
# Sets matplotlib's parameters while a picture is drawn, and restores the previous ones.
_styled = matplotlib.rc_context(
    {
        "svg.hashsalt": "train",  # without it, ids and so bytes differ from run to run
        "svg.fonttype": "none",  # text stays text: people can search it, and it has the page's font
        "font.size": 11,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": FAINT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": "#e8ecf0",
        "legend.frameon": False,
    }
)


@_styled
def confusion_picture(confusion: list[list[int]]) -> str:
    """Draw the confusion matrix: counts, shaded by their share of the true species."""
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _figure(5.2, 4.4)
    colours = LinearSegmentedColormap.from_list("blues", ["#ffffff", BLUE])
    axes.pcolormesh(shares, cmap=colours, vmin=0, vmax=1, edgecolors="#e8ecf0", linewidth=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "#ffffff" if shares[row, column] > 0.5 else INK
        text = f"{count}\n{shares[row, column]:.1%}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour, fontsize=13)
    middles = np.arange(len(CLASSES)) + 0.5
    axes.set_xticks(middles, CLASSES)
    axes.set_yticks(middles, CLASSES)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set_xlabel("answered", labelpad=8)
    axes.set_ylabel("true species")
    axes.tick_params(length=0)
    return _svg(figure, "confusion", "Confusion matrix: true species by row, answer by column")


@_styled
def calibration_picture(buckets: list[Bucket]) -> str:
    """Draw accuracy against confidence for each bucket, above a histogram of the confidences."""
    filled = [bucket for bucket in buckets if bucket.answers]
    figure = Figure(figsize=(5.2, 4.8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.2])
    above.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1, label="as right as sure")
    confidences, accuracies = [bucket.confidence for bucket in filled], [bucket.accuracy for bucket in filled]
    above.plot(confidences, accuracies, color=BLUE, marker="o", label="this model", clip_on=False)
    above.set(ylabel="share right", xlim=(0, 1), ylim=(-0.03, 1.03))
    above.legend(loc="upper left")
    above.grid()
    _histogram(below, buckets)
    return _svg(figure, "calibration", "Reliability diagram: share of right answers against confidence")


def _histogram(axes: Axes, buckets: list[Bucket]) -> None:
    edges = np.arange(BUCKETS) / BUCKETS
    axes.bar(edges, [bucket.answers for bucket in buckets], width=1 / BUCKETS, align="edge", color=PALE, edgecolor=BLUE)
    for edge, bucket in zip(edges, buckets, strict=True):
        if bucket.answers:
            axes.text(edge + 0.5 / BUCKETS, bucket.answers * 1.2, str(bucket.answers), ha="center", fontsize=9)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(
        xlabel="confidence of the answer", ylabel="answers", ylim=(0.5, 8 * max(bucket.answers for bucket in buckets))
    )


@_styled
def tenths_picture(buckets: list[Bucket]) -> str:
    """Draw, for buckets of equally many answers, which share should be wrong and which is. The least sure come first.

    The axis is linear up to 0.1 %, and logarithmic above.
    """
    places = np.arange(len(buckets)) + 1
    figure, axes = _figure(5.2, 4.0)
    wrong = [1 - bucket.accuracy for bucket in buckets]
    axes.bar(places, wrong, width=0.7, color=PALE, edgecolor=BLUE, label="were wrong")
    expected = [1 - bucket.confidence for bucket in buckets]
    axes.plot(places, expected, color=INK, marker="o", ls="", label="expected to be wrong")
    axes.set_yscale("symlog", linthresh=0.001)
    axes.set_yticks([0, 0.001, 0.01, 0.1, 1], ["0", "0.1%", "1%", "10%", "100%"])
    axes.set(xlabel="answers, from the least to the most sure, in equal parts", ylabel="share", ylim=(0, 1))
    axes.set_xticks(places)
    axes.legend(loc="upper right")
    axes.grid(axis="y")
    return _svg(figure, "tenths", "Bar chart: share of wrong answers, expected and found, by confidence")


@_styled
def rivals_picture(names: list[str], losses: list[float], intervals: list[Interval]) -> str:
    """Draw log losses with their intervals on a logarithmic axis, the first on top, which is this model's."""
    figure, axes = _figure(9.6, 0.42 * len(names) + 1.0)
    for place, (loss, (low, high)) in enumerate(zip(losses, intervals, strict=True)):
        colour = INK if place else BLUE
        axes.plot([max(low, 1e-4), high], [place, place], color=colour, lw=2 if place else 3, solid_capstyle="round")
        axes.plot(loss, place, color=colour, marker="o" if place else "D", ms=7)
    axes.axvline(losses[0], color=FAINT, lw=1, ls="--")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="log loss (nats per bird), with its 95 % interval; less is better")
    axes.grid(axis="x")
    return _svg(figure, "rivals", "Chart: log loss of this model and of other classifiers, with intervals")


@_styled
def importance_picture(gains: dict[str, float]) -> str:
    """Draw the share of the total gain by feature, in the given order, the first on top."""
    shares = np.array(list(gains.values())) / sum(gains.values())
    figure, axes = _figure(5.2, 4.4)
    axes.barh([feature_words(name) for name in gains], shares, color=BLUE, height=0.65)
    for row, share in enumerate(shares):
        axes.text(share + shares.max() * 0.02, row, f"{share:.1%}", va="center", fontsize=10)
    axes.invert_yaxis()
    axes.set(xticks=[], xlim=(0, shares.max() * 1.15))
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    return _svg(figure, "importance", "Bar chart: share of total gain by feature")


@_styled
def scatter_picture(
    names: tuple[str, str],
    columns: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    labels: npt.NDArray[np.int64],
    misjudged: npt.NDArray[np.bool_],
) -> str:
    """Draw two features against each other, by species, with rings around misjudged birds. All arrays are (rows,)."""
    x, y = columns
    figure, axes = _figure(9.6, 5.4)
    for label, species in enumerate(CLASSES):
        own, style = labels == label, label % len(COLOURS)
        axes.scatter(x[own], y[own], s=30, c=COLOURS[style], marker=SHAPES[style], alpha=0.75, lw=0, label=species)
    axes.scatter(
        x[misjudged], y[misjudged], s=150, facecolors="none", edgecolors=INK, lw=1.6, label="misjudged at least once"
    )
    axes.set(xlabel=feature_axis(names[0]), ylabel=feature_axis(names[1]))
    axes.legend()
    axes.grid()
    return _svg(figure, "scatter", f"Scatter plot: {feature_words(names[1])} against {feature_words(names[0])}")


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure with one plot. Sizes are in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Figure, name: str, description: str) -> str:
    """Return an <svg> element.

    Its ids begin with `name`, so that pictures can share a page. Screen readers read `description` aloud.
    """
    text = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    element = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text.getvalue())
    return element[element.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{description}"', 1)
