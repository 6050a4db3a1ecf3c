"""The page of metrics for Prometheus, in its text format, and the sums over all processes that count."""

import operator
from collections.abc import Callable, Iterable

from app.metrics.families import FAMILIES, Family

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

AGGREGATIONS: dict[str, Callable[[int, int], int]] = {"sum": operator.add, "max": max, "min": min}

Counts = dict[str, list[int]]  # cells by the name of their series


def add_up(processes: Iterable[Counts], ended: Counts | None = None) -> Counts:
    """Combine the cells of several processes, each family by its aggregation.

    `ended` are the cells of processes that have ended: their counters are included, their gauges are not.
    """
    total = {name: cells[:] for name, cells in (ended or {}).items() if _family(name).kind != "gauge"}
    for counts in processes:
        for name, cells in counts.items():
            current = total.get(name)
            if current is None:
                total[name] = cells[:]
            else:
                join = AGGREGATIONS[_family(name).aggregation]
                total[name] = [join(a, b) for a, b in zip(current, cells, strict=True)]
    return total


def _family(name: str) -> Family:
    return FAMILIES[name.partition("{")[0]]


def exposition(counts: Counts) -> bytes:
    """Return the page for these cells: all families in the order of FAMILIES, with their help texts."""
    by_family: dict[str, list[str]] = {}
    for name in counts:
        by_family.setdefault(name.partition("{")[0], []).append(name)
    lines: list[str] = []
    for title, family in FAMILIES.items():
        names = by_family.get(title)
        if names:
            lines += (f"# HELP {title} {family.help}", f"# TYPE {title} {family.kind}")
            for name in names:
                lines += _samples(family, title, name, counts[name])
    lines.append("")
    return "\n".join(lines).encode()


def _samples(family: Family, title: str, name: str, cells: list[int]) -> list[str]:
    if family.kind != "histogram":
        return [f"{name} {_number(cells[0], family.scale)}"]
    labels = name[len(title) + 1 : -1]
    before = f'{title}_bucket{{{labels}{"," if labels else ""}le="'
    lines = []
    total = 0
    for bound, count in zip((*family.bounds, "+Inf"), cells, strict=False):
        total += count
        lines.append(f'{before}{bound}"}} {total}')
    braced = f"{{{labels}}}" if labels else ""
    return [*lines, f"{title}_sum{braced} {_number(cells[-1], family.scale)}", f"{title}_count{braced} {total}"]


def _number(cell: int, scale: float) -> str:
    return str(cell) if scale == 1 else f"{cell * scale:.9g}" if cell < 1e15 else repr(cell * scale)
