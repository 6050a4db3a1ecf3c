"""python -m app.metrics.drift [--picture FILE] [URL | FILE [FILE]]: compare live predictions with the training data.

URL is the address of the service's metrics (default http://127.0.0.1:9464/metrics). FILE is a page of them that was
saved. With two files the counts between them are compared (`python -m app.metrics.drift yesterday.txt today.txt`), else
all counts since the model was first served. If workers serve two models, as during a swap, each is compared with its
own training data. `--picture` also draws the comparison, as SVG. The exit status is 1 if something has drifted.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

from app.metrics.drift_picture import picture
from app.metrics.families import MODEL, OBSERVED, OUTSIDE_RANGE, QUANTILE, REFERENCE
from contract.drift import Variable, Verdict, judge
from contract.files import write_atomically
from contract.metrics_page import parse_page
from contract.refusal import Refusal, exit_status

DEFAULT = "http://127.0.0.1:9464/metrics"
DRIFTED = 1  # exit status
OUTSIDE = -1  # the key, among a variable's bins, of values far outside the training data
WIDTH = 40  # characters of the longest bar
SECONDS = 10.0  # to read a page
SHOWN = 16  # characters of a version that are printed, as in the log

Bins = dict[str, dict[int, int]]  # counts by variable and bin
Compared = list[tuple[Verdict, list[int], list[int]]]  # variables, with live and reference counts


class ModelPage(NamedTuple):
    """The figures of one model on a page of metrics."""

    live: Bins
    reference: Bins
    quantiles: dict[str, float]  # of chi square, by variable


NOTHING = ModelPage({}, {}, {})


def read_page(source: str) -> str:
    """Return a page of metrics from a URL or a file. Raises Refusal if it cannot be read."""
    try:
        if source.startswith(("http://", "https://")):
            import urllib.request

            with urllib.request.urlopen(source, timeout=SECONDS) as reply:  # noqa: S310  # the operator names the URL
                data: bytes = reply.read()
                return data.decode()
        return Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"cannot read metrics from {source}: {error}; give the URL of METRICS_PORT or a file") from error


def read_models(source: str) -> tuple[dict[str, ModelPage], set[str]]:
    """Return the models of a page by version, and the versions that are served. Raises Refusal."""
    models: dict[str, ModelPage] = {}
    served = set()
    for family, labels, value in parse_page(read_page(source), source):
        if family not in (MODEL, OBSERVED, OUTSIDE_RANGE, REFERENCE, QUANTILE):
            continue
        model = models.setdefault(labels["version"], ModelPage({}, {}, {}))
        if family == MODEL:
            served |= {labels["version"]} if value else set()
        elif family == QUANTILE:
            model.quantiles[labels["variable"]] = value
        else:
            counts = model.reference if family == REFERENCE else model.live
            counts.setdefault(labels["variable"], {})[int(labels.get("bin", OUTSIDE))] = int(value)
    return models, served


def since(before: Bins, after: Bins) -> Bins:
    """Return the counts between two pages. If a counter is lower than before, it was reset: its new value counts."""
    return {
        variable: {
            number: count - earlier if count >= (earlier := before.get(variable, {}).get(number, 0)) else count
            for number, count in bins.items()
        }
        for variable, bins in after.items()
    }


def compare(model: ModelPage) -> Compared:
    """Return the verdict on each variable, with its live and reference counts by bin."""
    compared = []
    for variable, bins in model.reference.items():
        live_bins = model.live.get(variable, {})
        live = [live_bins.get(number, 0) for number in range(len(bins))]
        reference = [bins[number] for number in range(len(bins))]
        trained = Variable((), tuple(reference), model.quantiles[variable])
        verdict = judge(variable, trained, live, len(model.reference), live_bins.get(OUTSIDE, 0))
        compared.append((verdict, live, reference))
    return compared


def chart(verdict: Verdict, live: list[int], reference: list[int]) -> str:
    """Return the verdict on a variable as text. Each bin has a bar for its live share and a mark for the reference."""
    state = "DRIFTED" if verdict.drifted else "as in training" if verdict.live else "no predictions"
    lines = [
        f"{verdict.variable}: {state}; {verdict.live} predictions",
        f"  stability index {verdict.stability:.3f}, bound {verdict.stability_bound:.3f}; "
        f"Kolmogorov-Smirnov {verdict.kolmogorov:.3f}, bound {verdict.kolmogorov_bound:.3f}; "
        f"far outside {verdict.outside}, bound {verdict.outside_bound:.0f}",
    ]
    shares = [(a / max(sum(live), 1), b / max(sum(reference), 1)) for a, b in zip(live, reference, strict=True)]
    longest = max(max(pair) for pair in shares) or 1
    for number, (live_share, reference_share) in enumerate(shares):
        bar = ("#" * round(WIDTH * live_share / longest)).ljust(WIDTH)
        mark = min(WIDTH - 1, round(WIDTH * reference_share / longest))
        lines.append(f"  {number:2} |{bar[:mark]}|{bar[mark + 1 :]} {live_share:6.1%} ({reference_share:.1%})")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Print the comparison of all variables. Exit with status DRIFTED if any has drifted. Raises Refusal."""
    parser = argparse.ArgumentParser(
        prog="python -m app.metrics.drift", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--picture", type=Path, metavar="FILE", help="also draw the comparison into this file, as SVG")
    parser.add_argument("pages", nargs="*", metavar="URL|FILE", help=f"page of metrics; the default is {DEFAULT}")
    options = parser.parse_args(arguments)
    pages: list[str] = options.pages or [DEFAULT]
    if len(pages) > 2:
        raise Refusal(
            f"expected at most two pages of metrics, found {len(pages)}; see python -m app.metrics.drift --help"
        )
    known, served = read_models(pages[-1])
    models = {version: model for version, model in known.items() if version in served and model.reference}
    if not models:
        raise Refusal(
            "expected counts of the training data in this page, found none: no model is served, or its bundle has no "
            "reference data; serve a model that python -m train made"
        )
    if len(pages) == 2:
        before, _ = read_models(pages[0])
        for version, model in models.items():
            models[version] = model._replace(live=since(before.get(version, NOTHING).live, model.live))
    compared = {version: compare(model) for version, model in models.items()}
    print("Each bar is the live share of a bin; | and the number in parentheses are the share in the training data.")
    for version, variables in compared.items():
        print(f"\nModel {version[:SHOWN]}, which is served\n")
        print("\n\n".join(chart(*each) for each in variables))
    if options.picture:
        write_atomically(options.picture, picture(compared).encode())
    if any(verdict.drifted for variables in compared.values() for verdict, _, _ in variables):
        sys.exit(DRIFTED)


if __name__ == "__main__":
    sys.exit(exit_status(lambda: main(sys.argv[1:])))
