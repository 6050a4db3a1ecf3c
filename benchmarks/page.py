"""docs/benchmarks.md and its pictures, from the results of one run."""

from pathlib import Path

from benchmarks.pictures import pictures
from benchmarks.plan import PENGUIN
from benchmarks.results import Results, Subject, most_threads
from benchmarks.tables import best_of_the_others, headline, model_table, skipped
from contract.files import write_atomically

METHOD = """\
One process, one thread, no sockets. Every contender first gives the right answers: ours with the very bits of
XGBoost's margins, the others within 1e-5 of its probabilities. Then they take turns (A B C A B C ...); a turn lasts
about 5 ms, or one call where that takes longer, and goes over thousands of rows that the model was not trained on. A
time is the median of the turns. A ratio is the median over the rounds of theirs / ours *within one round*, so that
what disturbs the machine disturbs both.

Inputs are made before the clock starts: float32 arrays for the others; a list of floats (one row) or bytes (many rows)
for ours. From a penguin's measurements everybody derives the ratios too. `XGBClassifier.predict` answers labels, the
others probabilities, ours both. "JSON to JSON" goes from the body of one request to the body of its answer: ours is
the service's own handler, which validates; the others are a plain service (orjson, numpy, orjson), which does not.
"""


def write_page(results: Results, directory: Path) -> str:
    """Write benchmarks.md and pictures/ into the directory. Returns the headline table."""
    drawn = pictures(results)
    for name, svg in drawn.items():
        write_atomically(directory / "pictures" / name, svg)
    write_atomically(directory / "benchmarks.md", page(results, list(drawn)).encode())
    return f"{headline(results)}\n\nwrote {directory / 'benchmarks.md'}"


def page(results: Results, picture_names: list[str]) -> str:
    """The Markdown."""
    parts = [
        "# Benchmarks",
        f"Made by `{results.command}`; do not edit. {_circumstances(results)}",
        headline(results),
        *(f"![{_words(name)}](pictures/{name})" for name in picture_names),
        "## How it is measured",
        f"{METHOD.strip()}\nNobody used more than {most_threads(results.cells):.2f} processors.",
        "## Against the best of the others",
        "How many times faster ours is than whichever contender is best at that model and batch.",
        best_of_the_others(results),
        *(part for name, subject in results.models.items() for part in _model(results, name, subject)),
    ]
    lines = skipped(results)
    return "\n\n".join(parts + (["## Left out", "\n".join(lines)] if lines else [])) + "\n"


def _circumstances(results: Results) -> str:
    machine = results.machine
    packages = ", ".join(f"{package} {version}" for package, version in results.versions.items())
    return (
        f"{results.date}, commit {results.commit or 'unknown'}, {results.seconds:.0f} s of measuring.\n"
        f"{machine.cpu}, {machine.cores} shared cores, {machine.system}; ours computes rows with instruction set "
        f"{machine.instruction_sets} of 3 (baseline, AVX2, AVX-512).\nPython {machine.python}, {packages}."
    )


def _model(results: Results, name: str, subject: Subject) -> list[str]:
    missing = f", {subject.missing:.0%} of the values missing" if subject.missing else ""
    outputs = f"{subject.outputs} outputs" if subject.outputs > 1 else "1 output"
    begins = "Rows of four measurements; " if name == PENGUIN else "Synthetic; "
    return [
        f"## {name}",
        f"{begins}{subject.trees} trees of depth {subject.depth} ({subject.leaves:g} leaves on average), "
        f"{subject.features} features, {outputs}{missing}. In brackets: how many times faster ours is.",
        model_table(results, name),
    ]


def _words(picture: str) -> str:
    return picture.removeprefix("benchmark-").removesuffix(".svg").replace("-", " ")
