"""docs/http-benchmarks.md and its pictures, from the results of one run."""

from pathlib import Path

from benchmarks.wire.pictures import pictures
from benchmarks.wire.results import Results
from benchmarks.wire.tables import footprint, headline, latencies, notes, open_loop, ratios, throughput, workers
from contract.files import write_atomically

METHOD = """\
Each contender is a process on one core; what asks it is on another. All ask the published example, `POST /predict`, on
127.0.0.1 with keep-alive. Before the clock starts each must answer it: the predictors with the same document (each
probability within 1e-6), the constants with as many bytes as ours. Then they take turns (A B C A B C ...) while the
others stay up without work. A figure is the median of the rounds. A ratio is the median over the rounds of one over
the other *within one round*, so that what disturbs the machine disturbs both. A round in which more than one request
in 1,000 of a contender had no answer of status 200 is measured again, for all, and listed at the end.

- **This app** is `python -m app` as it comes, with validation, metrics and logs (stdout goes to /dev/null, as
  everybody's does); Starlette's route is the same with `FAST_PATH=0`. *Every head new*: each request has a
  `traceparent` of its own, as behind a proxy; elsewhere a client repeats its head, which is then not parsed again.
- **FastAPI + XGBClassifier** is what most people deploy ([source](../benchmarks/wire/servers/plain.py)): uvicorn with
  its defaults (uvloop, httptools, access log), Pydantic with the same bounds, `predict` for the label and
  `predict_proba` for the probabilities.
- **ASGI constant on uvicorn** is the least an ASGI application can do: two messages, the body unread, no access log.
- **uvloop constant** is the limit: an asyncio protocol that writes the bytes of an answer for whatever arrives, and
  does not look at HTTP."""

THROUGHPUT = """\
Closed loop: wrk, each connection sends its next request when it has its answer. CPU is the server's user and system
time (/proc/PID/stat) over the requests of the run. It is steadier than requests/s, and the better measure where the
server's core was not busy all the time at 16 connections: then something else ran there, or the generator's core was
busy all the time, and requests/s are the generator's limit. In the second table all is ours over theirs, or rather the
line's over the column's."""

LATENCY = """\
As wrk has them: for an answer that took long it adds those that it would have waited for meanwhile. At 16 connections
the server is saturated, so latency is hardly more than connections over requests/s."""

OPEN = """\
Open loop: requests come when they are due, whatever the server does: a Poisson process over 32 connections, at half of
the requests/s that the same contender reached at 16 connections in the same round, so each at another rate. Latency
counts from the moment a request was due. The last column is the generator's own part: how late it saw that one was.
Not measured by h2load: its `--rps` keeps the rate, but on HTTP/1.1 its clock starts when a request leaves, so that a
stalled server is charged for one request a connection; a test with a server that stalls shows that ours is not so
([generator](../benchmarks/wire/openloop.py))."""

FOOTPRINT = """\
The time from starting the process, on one core with files in the page cache, to the last byte of its first answer with
status 200 to `POST /predict`, which is asked again every half millisecond. Memory is VmRSS (and Pss, which
divides a shared page by its sharers) after all the load above."""

WORKERS = """\
On a machine of two cores the generator has to share them. So a wrk is pinned to each core both times; one worker has
the first core, two have both. Half of the connections come from either core, and the generator takes the same part of
a request both times. *Unshared* is requests/s had the server had its cores alone: requests/s x n / (n - g), where n is
the server's cores and g the generator's CPU seconds on them for a second of the run; whatever else those cores did,
idle time as well, counts against the server. *Per CPU second* is requests over the CPU seconds of all workers: its
ratio is what is lost to contention, without what is lost to idle time."""


def write_page(results: Results, directory: Path) -> str:
    """Write http-benchmarks.md and pictures/ into the directory. Returns what a person at a terminal wants to see."""
    drawn = pictures(results)
    for name, svg in drawn.items():
        write_atomically(directory / "pictures" / name, svg)
    write_atomically(directory / "http-benchmarks.md", page(results, list(drawn)).encode())
    return "\n\n".join([*_top(results), throughput(results), f"wrote {directory / 'http-benchmarks.md'}"])


def page(results: Results, picture_names: list[str]) -> str:
    """The Markdown."""
    parts = [
        "# HTTP benchmarks",
        f"Made by `{results.command}`; do not edit. {_circumstances(results)}",
        *_top(results),
        *(f"![{name.removesuffix('.svg').replace('-', ' ')}](pictures/{name})" for name in picture_names),
        *("## How it is measured", METHOD),
        *("## Requests a second, and their CPU", THROUGHPUT, throughput(results), ratios(results)),
        *("## Latency", LATENCY, latencies(results), OPEN, open_loop(results)),
        *("## Cold start and memory", FOOTPRINT, footprint(results)),
    ]
    if results.scaling:
        parts += ["## Workers", WORKERS, workers(results.scaling)]
    lines = notes(results)
    return "\n\n".join(parts + (["## Left out, and errors", "\n".join(lines)] if lines else [])) + "\n"


def _top(results: Results) -> list[str]:
    """The headline, where there is one."""
    return [found] if (found := headline(results)) else []


def _circumstances(results: Results) -> str:
    machine, measured = results.machine, next(iter(results.measured.values()))
    packages = ", ".join(f"{package} {version}" for package, version in results.versions.items())
    rounds, starts = len(measured.open), len(measured.first_answer_ms)
    return (
        f"{results.date}, commit {results.commit or 'unknown'}, {results.seconds:.0f} s of measuring.\n"
        f"{machine.cpu}, {machine.cores} shared cores, {machine.system}; {rounds} rounds of load, {starts} starts.\n"
        f"Python {machine.python}, {packages}."
    )
