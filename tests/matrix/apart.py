"""Work done in forks of this process, which may crash, hang or end it: each item in a fork of its own.

Needs nothing but the standard library: the XGBoost of any version runs in it.
"""

import itertools
import os
import select
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

LONGEST = 4_000  # bytes that a fork says: a pipe holds them until it has ended

Item = TypeVar("Item")


class Ending(NamedTuple):
    """How a fork ended: with the text that its work returned, or with a problem."""

    text: str
    problem: str


def each(
    items: Iterable[Item], work: Callable[[Item], str], seconds: int, at_once: int = 1
) -> Iterator[tuple[Item, Ending]]:
    """Yield every item with how its fork ended. A fork that takes longer than `seconds` is killed."""
    waiting = iter(items)
    running: dict[int, tuple[Item, int]] = {}  # by the pipe, on which a fork says what it has to say as it ends
    while True:
        for item in itertools.islice(waiting, at_once - len(running)):
            process, reader = _start(item, work, seconds)
            running[reader] = item, process
        if not running:
            return
        for reader in select.select(running, [], [])[0]:
            item, process = running.pop(reader)
            _, status = os.waitpid(process, 0)  # no other child of this process is waited for
            yield item, _ending(reader, os.waitstatus_to_exitcode(status), seconds)


def _start(item: Item, work: Callable[[Item], str], seconds: int) -> tuple[int, int]:
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, reader
    signal.alarm(seconds)
    status = 0
    try:
        said = work(item)
    except BaseException:  # noqa: BLE001 - whatever it is, the other process says it
        status, said = 1, traceback.format_exc()
    os.write(writer, said.encode()[-LONGEST:])
    os._exit(status)


def _ending(reader: int, status: int, seconds: int) -> Ending:
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    if status == 0:
        return Ending(said, "")
    if status == -signal.SIGALRM:
        return Ending("", f"took longer than {seconds} s")
    return Ending("", said or f"ended with status {status}")
