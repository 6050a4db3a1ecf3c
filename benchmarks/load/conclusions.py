"""What follows from the figures, by arithmetic: capacity, concurrency, memory, cost, ten times more traffic."""

import math
from collections.abc import Iterator

from app.batches import COPIES
from app.inference import ROW_BYTES
from app.library import FLOAT_BYTES
from app.memory import SHARE
from app.protocol import LABEL, PROBABILITIES
from app.settings import Settings
from app.tensors import COLUMNS, JSON_CHARACTERS
from benchmarks.load.capacity import capacity, holds
from benchmarks.load.prices import Prices
from benchmarks.load.results import Results, Run, Step
from benchmarks.tables import figure, times

HEADROOM = 4  # times the average in flight
MIB = 1 << 20
SETTINGS = Settings()
# What the largest batch claims, in binary and answered in JSON.
TEXT_BYTES = PROBABILITIES.shape[1] * JSON_CHARACTERS[PROBABILITIES.datatype] + JSON_CHARACTERS[LABEL.datatype]
LARGEST_BYTES = SETTINGS.max_batch_rows * (COPIES * COLUMNS * FLOAT_BYTES + ROW_BYTES + TEXT_BYTES)


def in_flight(step: Step) -> tuple[float, float]:
    """Little's law: requests a second times seconds, on average and with the latency of the slowest of a hundred."""
    return step.achieved * step.mean_us / 1e6, step.achieved * step.p99_us / 1e6


def memory_needed_mib(results: Results) -> tuple[float, float]:
    """The most that was resident, and that with the largest batch."""
    peak = max(run.peak_mb for run in results.runs.values()) * 1e6 / MIB
    return peak, peak + LARGEST_BYTES / MIB


def memory_setting_mib(results: Results, prices: Prices) -> int:
    """The least that is sold and is not nearly filled by what is needed; the most where none is enough."""
    _, needed = memory_needed_mib(results)
    return next((size for size in prices.memory_mib if needed <= SHARE * size), prices.memory_mib[-1])


def conclusions(results: Results, prices: Prices) -> list[str]:
    """A sentence or two each, as far as there are figures."""
    return [*_capacity(results), *_concurrency(results), *_memory(results, prices), *_tenfold(results, prices)]


def _capacity(results: Results) -> Iterator[str]:
    if not results.search:
        return
    found = capacity(results)
    if not found.rate:
        yield f"**Capacity**: not even {results.search[0].rate:,.0f} requests/s were sustained."
        return
    if found.beyond is None:
        yield f"**Capacity**: one instance sustains {found.rate:,.0f} requests/s, the most that was tried."
        return
    if found.by_service:
        text = f"one instance sustains {found.rate:,.0f} requests/s with its p99 within 25 ms"
    else:
        text = (
            f"one instance sustains at least {found.rate:,.0f} requests/s; at {found.beyond.rate:,.0f} it used "
            f"{found.beyond.cores:.2f} of a core, so what offered them was the limit"
        )
    if results.ceiling:
        text += f"; a closed loop of {results.ceiling.connections} connections got {results.ceiling.rate:,.0f}"
    yield f"**Capacity**: {text}."


def _concurrency(results: Results) -> Iterator[str]:
    """So many as the service's own bounds admit, where that is some times what there will be."""
    if not results.steady:
        return
    step = max(results.steady, key=lambda step: step.rate)
    if not holds(step):
        yield (
            f"**Concurrency**: not concluded. {step.rate:,.0f} requests/s were not sustained when they were measured "
            "at length: the machine was not quiet."
        )
        return
    mean, slow = in_flight(step)
    bound = min(SETTINGS.max_in_flight, SETTINGS.max_connections)
    wanted = max(bound, math.ceil(HEADROOM * mean))
    text = (
        f"**Concurrency**: {wanted}. By Little's law {figure(step.achieved)} requests/s keep {figure(mean)} in flight "
        f"on average, {figure(slow)} while they take as long as the p99."
    )
    if wanted > bound:
        yield f"{text} That is {HEADROOM} times the average: raise MAX_IN_FLIGHT ({bound}) with it, or batches get 503."
        return
    yield (
        f"{text} That many batches are answered at once (MAX_IN_FLIGHT), and connections are no bound "
        f"(MAX_CONNECTIONS {SETTINGS.max_connections:,}): CPU, not concurrency, will ask for more instances."
    )


def _memory(results: Results, prices: Prices) -> Iterator[str]:
    if not results.runs:
        return
    (peak, needed), size = memory_needed_mib(results), memory_setting_mib(results, prices)
    enough = "" if needed <= SHARE * size else ", which is too little: lower MAX_BATCH_ROWS"
    yield (
        f"**Memory**: {size} MiB{enough}. At most {peak:.0f} MiB were resident; the largest batch, "
        f"{SETTINGS.max_batch_rows:,} rows answered in JSON, makes it {needed:.0f} MiB. What does not fit is refused "
        f"(MAX_BATCH_MEMORY_BYTES). {prices.memory_mib[0]} MiB is the least of the second generation."
    )


def _tenfold(results: Results, prices: Prices) -> Iterator[str]:
    normal, tenfold = results.runs.get("normal"), results.runs.get("tenfold")
    if not normal or not tenfold:
        return
    found, before = tenfold.outcome.figures(), normal.outcome.figures()
    instances = max(1, math.ceil(tenfold.cores / (prices.vcpus * prices.autoscaler_cpu)))
    kept = "all objectives were kept" if tenfold.outcome.kept else "missed: " + ", ".join(missed(tenfold))
    yield (
        f"**Ten times more traffic**: one instance answered {times(found['requests/s'] / before['requests/s'])} the "
        f"requests/s of normal ({found['achieved/offered']:.1%} of what was offered) with {tenfold.cores:.2f} of a "
        f"core against {normal.cores:.2f}; p99 {figure(before['p99 ms'])} -> {figure(found['p99 ms'])} ms, failures "
        f"{found['failure ratio']:.2%}; {kept}. The autoscaler would hold {instances} instance{'s' * (instances > 1)} "
        f"(CPU below {prices.autoscaler_cpu:.0%})."
    )


def missed(run: Run) -> list[str]:
    """Objectives that were not kept."""
    return [
        f"{objective.figure} {objective.relation} {objective.bound:g}"
        for objective, _, kept in run.outcome.judgement()
        if not kept
    ]
