"""Seconds and memory of each contender, in turns: answers that nobody keeps, and answers in Parquet files."""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.spark.birds import session
from benchmarks.spark.contenders import contenders

SAMPLE_SECONDS = 0.2
MEBIBYTE = 1 << 20


class Measured(NamedTuple):
    """One contender: seconds to answer, seconds to answer and write, MiB of all Python workers, bytes written."""

    answer: float
    write: float
    workers_mib: float
    written_bytes: float


def measure(place: Path, few: Path, rounds: int, names: Sequence[str], scratch: Path) -> dict[str, Measured]:
    """Return the medians of some rounds; in each round every named contender has its turn, in a session of its own.

    At first it answers a few birds: that starts its workers, loads its model and compiles Spark's plan.
    """
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, turns in found.items():
            with session(scratch) as spark:
                contender, read = contenders()[name], spark.read.parquet
                _turn(contender(read(str(few))), scratch / "out")
                turn = _turn(contender(read(str(place))), scratch / "out")
            turns.append(turn)
            print(f"{name}: {turn.answer:.1f} s, written in {turn.write:.1f} s", flush=True)
    return {name: Measured(*map(median, zip(*turns, strict=True))) for name, turns in found.items()}


def _turn(answers: Any, out: Path) -> Measured:
    with _watched() as most:
        answer = _seconds(lambda: answers.write.format("noop").mode("overwrite").save())
    write = _seconds(lambda: answers.write.mode("overwrite").parquet(str(out)))
    size = sum(path.stat().st_size for path in out.glob("*.parquet"))
    shutil.rmtree(out)
    return Measured(answer, write, most[0] / MEBIBYTE, size)


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextlib.contextmanager
def _watched() -> Iterator[list[int]]:
    """Give the most bytes that Python workers held at one time within the `with` block."""
    most, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            most[0] = max(most[0], sum(map(_resident, _python_workers(os.getpid()))))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        ended.set()
        watching.join()


def _python_workers(pid: int) -> list[int]:
    """Return the processes that a process started, and theirs, that are Python's."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [*([child] if _is_python(child) else []), *_python_workers(child)]
    return found


def _is_python(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").startswith("python")
    return False


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0
