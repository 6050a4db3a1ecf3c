"""A picture of drift: for each variable, each bin has a bar for the live share and a mark for the training data's."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from contract.drift import Verdict

# In pixels.
PANEL_WIDTH, PANEL_HEIGHT, BARS_TOP, BARS_HEIGHT, MARGIN = 340, 170, 44, 100, 16
COLUMNS = 2
STYLE = """
svg { background: #ffffff; font: 12px sans-serif; }
text { fill: #222222; } .small { font-size: 10px; fill: #555555; }
.live { fill: #7aa6c2; } .drifted .live { fill: #d1603d; } .reference { stroke: #222222; stroke-width: 2; }
"""

Compared = tuple[Verdict, Sequence[int], Sequence[int]]  # a verdict, with live and reference counts by bin


def picture(models: Mapping[str, Sequence[Compared]]) -> str:
    """Return an SVG document of the models by version. The bars of a variable that has drifted are red."""
    compared = [each for variables in models.values() for each in variables]
    rows = -(-len(compared) // COLUMNS)
    width, height = 2 * MARGIN + COLUMNS * PANEL_WIDTH, 2 * MARGIN + rows * PANEL_HEIGHT
    panels = []
    for place, each in enumerate(compared):
        x, y = MARGIN + place % COLUMNS * PANEL_WIDTH, MARGIN + place // COLUMNS * PANEL_HEIGHT
        state = ' class="drifted"' if each[0].drifted else ""
        panels.append(f'<g{state} transform="translate({x} {y})">{"".join(_panel(*each))}</g>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
            f"<title>Live predictions of {escape(', '.join(models))} (bars) beside the training data (marks)</title>",
            f"<style>{STYLE}</style>",
            *panels,
            "</svg>\n",
        ]
    )


def _panel(verdict: Verdict, live: Sequence[int], reference: Sequence[int]) -> Iterator[str]:
    state = "drifted" if verdict.drifted else "as in training" if verdict.live else "no predictions"
    yield f'<text y="12"><tspan font-weight="bold">{escape(verdict.variable)}</tspan>: {state}</text>'
    yield (
        f'<text y="28" class="small">{verdict.live:,} predictions; stability {verdict.stability:.3f} of '
        f"{verdict.stability_bound:.3f}, KS {verdict.kolmogorov:.3f} of {verdict.kolmogorov_bound:.3f}</text>"
    )
    shares = [[count / max(sum(counts), 1) for count in counts] for counts in (live, reference)]
    largest = max(map(max, shares)) or 1.0
    step = (PANEL_WIDTH - 2 * MARGIN) / len(live)
    for number, (live_share, reference_share) in enumerate(zip(*shares, strict=True)):
        left, tall = number * step, BARS_HEIGHT * live_share / largest
        bottom = BARS_TOP + BARS_HEIGHT
        mark = bottom - BARS_HEIGHT * reference_share / largest
        yield (
            f'<rect class="live" x="{left:.1f}" y="{bottom - tall:.1f}" width="{step - 3:.1f}" height="{tall:.1f}">'
            f"<title>bin {number}: {live_share:.1%}, in training {reference_share:.1%}</title></rect>"
            f'<line class="reference" x1="{left:.1f}" x2="{left + step - 3:.1f}" y1="{mark:.1f}" y2="{mark:.1f}"/>'
        )
