"""python -m app.drift [--picture FILE] [URL | FILE [FILE]]: live predictions beside the training data.

The URL is that of the service's metrics (default http://127.0.0.1:9464/metrics), the file a page of them that was kept.
Of two files what came between them counts (`python -m app.drift yesterday.txt today.txt`), else all since the start.
`--picture` also draws it, as SVG. Exit status 1 where something has drifted.
"""

import argparse
import re
import sys
from pathlib import Path

from app.drift_picture import picture
from app.families import OBSERVED, OUTSIDE_RANGE, QUANTILE, REFERENCE
from contract.drift import Variable, Verdict, judge
from contract.files import write_atomically
from contract.refusal import Refusal, exit_status

DEFAULT = "http://127.0.0.1:9464/metrics"
DRIFTED = 1  # exit status
OUTSIDE = -1  # among a variable's bins: what is far from all that was trained on
WIDTH = 40  # characters of the longest bar
SECONDS = 10.0
_SAMPLE = re.compile(r'(\w+)\{variable="([^"]*)"(?:,bin="(\d+)")?\} (\S+)')

Bins = dict[str, dict[int, int]]  # counts by variable and bin


def read_page(source: str) -> str:
    """Raises Refusal."""
    try:
        if source.startswith(("http://", "https://")):
            import urllib.request

            with urllib.request.urlopen(source, timeout=SECONDS) as reply:  # noqa: S310  # what the operator asks for
                data: bytes = reply.read()
                return data.decode()
        return Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"cannot read metrics from {source}: {error}; give the URL of METRICS_PORT or a file") from error


def parse_page(page: str) -> tuple[Bins, Bins, dict[str, float]]:
    """Live counts, reference counts, and quantiles of chi square."""
    counts: dict[str, Bins] = {OBSERVED: {}, REFERENCE: {}, OUTSIDE_RANGE: {}}
    quantiles: dict[str, float] = {}
    for family, variable, number, amount in _SAMPLE.findall(page):
        if family in counts:
            counts[family].setdefault(variable, {})[int(number or OUTSIDE)] = int(float(amount))
        elif family == QUANTILE:
            quantiles[variable] = float(amount)
    for variable, bins in counts[OUTSIDE_RANGE].items():
        counts[OBSERVED].setdefault(variable, {}).update(bins)
    return counts[OBSERVED], counts[REFERENCE], quantiles


def since(before: Bins, after: Bins) -> Bins:
    """What was counted between two pages. A counter that went back began anew."""
    return {
        variable: {
            number: count - earlier if count >= (earlier := before.get(variable, {}).get(number, 0)) else count
            for number, count in bins.items()
        }
        for variable, bins in after.items()
    }


def compare(live: Bins, reference: Bins, quantiles: dict[str, float]) -> list[tuple[Verdict, list[int], list[int]]]:
    """Each variable's verdict with its live and reference counts."""
    found = []
    for variable, bins in reference.items():
        own = [live.get(variable, {}).get(number, 0) for number in range(len(bins))]
        theirs = [bins[number] for number in range(len(bins))]
        known = Variable((), tuple(theirs), quantiles[variable])
        found.append((judge(variable, known, own, len(reference), live.get(variable, {}).get(OUTSIDE, 0)), own, theirs))
    return found


def drawn(verdict: Verdict, live: list[int], reference: list[int]) -> str:
    """Bars of a live and a reference share for each bin, and what is thought of them."""
    state = "DRIFTED" if verdict.drifted else "as in training" if verdict.live else "nothing was asked"
    lines = [
        f"{verdict.variable}: {state}; {verdict.live} predictions",
        f"  stability index {verdict.stability:.3f}, bound {verdict.stability_bound:.3f}; "
        f"Kolmogorov-Smirnov {verdict.kolmogorov:.3f}, bound {verdict.kolmogorov_bound:.3f}; "
        f"far outside {verdict.outside}, bound {verdict.outside_bound:.0f}",
    ]
    shares = [(a / max(sum(live), 1), b / max(sum(reference), 1)) for a, b in zip(live, reference, strict=True)]
    longest = max(max(pair) for pair in shares) or 1
    for number, (own, theirs) in enumerate(shares):
        bar = ("#" * round(WIDTH * own / longest)).ljust(WIDTH)
        mark = min(WIDTH - 1, round(WIDTH * theirs / longest))
        lines.append(f"  {number:2} |{bar[:mark]}|{bar[mark + 1 :]} {own:6.1%} ({theirs:.1%})")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Print all variables. Raises Refusal."""
    parser = argparse.ArgumentParser(prog="python -m app.drift", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it into this file, as SVG")
    parser.add_argument("pages", nargs="*", metavar="URL|FILE", help=f"metrics: by default {DEFAULT}")
    options = parser.parse_args(arguments)
    pages: list[str] = options.pages or [DEFAULT]
    if len(pages) > 2:
        raise Refusal(f"expected at most two pages of metrics, found {len(pages)}; see python -m app.drift --help")
    live, reference, quantiles = parse_page(read_page(pages[-1]))
    if not reference:
        raise Refusal("no reference of the training data in this page; serve a bundle that has one: make compile")
    if len(pages) == 2:
        live = since(parse_page(read_page(pages[0]))[0], live)
    compared = compare(live, reference, quantiles)
    print("Bars: live shares by bin of the training data; | and (): the training data's own.\n")
    print("\n\n".join(drawn(*each) for each in compared))
    if options.picture:
        write_atomically(options.picture, picture(compared).encode())
    if any(verdict.drifted for verdict, _, _ in compared):
        sys.exit(DRIFTED)


if __name__ == "__main__":
    sys.exit(exit_status(lambda: main(sys.argv[1:])))
