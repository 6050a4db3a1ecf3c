"""python -m benchmarks.layers [--rounds N] [--prune]: what rebuilding the image costs after one change.

Each round builds a copy of this checkout without any cache, then changes one file after the other, each back again
before the next, and builds with what the engine has kept. A change is one more line, a comment: the engine looks at
the bytes of a file, not at its time. Ratios are those within a round; the median of the rounds is shown.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.compiled import ROOT
from benchmarks.engine import Build, Engine, engine_here
from benchmarks.machine import heading
from contract.files import write_atomically
from contract.refusal import exit_status

PAGE = ROOT / "docs" / "layers.md"
ROUNDS = 3
TAG = "penguins-layers"
CONTEXT = ("Dockerfile", ".dockerignore", "requirements", "contract", "bundle", "train", "compile", "app")
COLD, NOTHING = "everything: a cold build, --no-cache", "nothing"
CHANGES = (  # what is said of it, the file that is changed
    ("one line in app/", "app/http.py"),
    ("one line in bundle/", "bundle/verify.py"),
    ("one line in contract/", "contract/features.py"),
    ("one line in requirements/runtime.txt", "requirements/runtime.txt"),
    ("one line in requirements/build.txt", "requirements/build.txt"),
)


class Rebuild(NamedTuple):
    """What was changed, and the build after it."""

    change: str
    build: Build


def copy_context(directory: Path) -> None:
    """What the image's stages read, so that no file of the checkout is changed."""
    for name in CONTEXT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, directory / name)


def rebuild(engine: Engine, context: Path, change: str, *flags: str) -> Rebuild:
    """Build the image and remove it: its layers stay in the cache. Raises Refusal."""
    built = engine.build(context, TAG, *flags)
    engine.ask("rmi", "--force", TAG)
    return Rebuild(change, built)


def measure_round(engine: Engine, context: Path) -> Iterator[Rebuild]:
    """A cold build, one that changes nothing, and one after each change. Raises Refusal."""
    yield rebuild(engine, context, COLD, "--no-cache")
    yield rebuild(engine, context, NOTHING)
    for change, name in CHANGES:
        path = context / name
        before = path.read_bytes()
        path.write_bytes(before + f"# {uuid.uuid4()}\n".encode())
        yield rebuild(engine, context, change)
        path.write_bytes(before)


def page(rounds: Sequence[Sequence[Rebuild]], driver: str) -> str:
    """Markdown: medians of the rounds."""
    lines = [
        *heading("Layers", "make layers"),
        f"Storage driver {driver}; rounds: {len(rounds)}.",
        "",
        (__doc__ or "").partition("\n\n")[2].strip(),
        "",
        "| changed | layers made | of | seconds | of a cold build |",
        "| --- | --: | --: | --: | --: |",
    ]
    lines += (row(rebuilds, [cold.build.seconds for cold, *_ in rounds]) for rebuilds in zip(*rounds, strict=True))
    return "\n".join([*lines, "", READING])


def row(rebuilds: Sequence[Rebuild], cold: Sequence[float]) -> str:
    """One change in all rounds, beside the seconds of each round's cold build."""
    change, first = rebuilds[0]
    taken = [each.build.seconds for each in rebuilds]
    share = statistics.median(mine / whole for mine, whole in zip(taken, cold, strict=True))
    return f"| {change} | {first.made} | {first.layers} | {statistics.median(taken):.1f} | {share:.0%} |"


READING = """\
The Dockerfile copies in the order of how often things change: packages, then `contract/` and `train/`, then what
compiles, then `app/`. So a line in `app/` neither trains nor compiles; one in `contract/` does both, because a model
is only as good as the contract it was made for. A comment in a file of requirements installs the same packages again,
byte for byte, so that what copies them stays; another version of one would be copied, too. A cold build also downloads.
The driver vfs copies a whole file system for each layer; overlay2 does not.
"""


def run(options: argparse.Namespace) -> None:
    """Measure and write. Raises Refusal."""
    engine = engine_here()
    driver = engine.ask("info", "--format", "{{.Driver}}").strip()
    rounds: list[list[Rebuild]] = []
    for _ in range(options.rounds):
        if options.prune:
            engine.ask("builder", "prune", "--force")
        with tempfile.TemporaryDirectory(prefix="layers-") as name:
            copy_context(Path(name))
            rounds.append([])
            for change, build in measure_round(engine, Path(name)):
                print(f"{change}: {build.seconds:.1f} s, {build.made} of {build.layers} layers", flush=True)
                rounds[-1].append(Rebuild(change, build))
    write_atomically(options.out, page(rounds, driver).encode())
    print(f"wrote {options.out}")


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--prune", action="store_true", help="empty the engine's build cache before each round")
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    return exit_status(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
