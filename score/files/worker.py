"""A process that answers parts, one after the other: python -m score.files.worker.

It reads lines of JSON from its parent and writes lines of JSON back. It ends when its parent does, or is told no more.
"""

import os
import sys
from typing import IO

import msgspec
import pyarrow as pa

from contract.refusal import Refusal
from score.bundle import fetch_verified, load_verified
from score.files.answering import Answering
from score.files.job import Failed, Options, Part
from score.files.opening import open_place


class Task(msgspec.Struct, frozen=True):
    """What a worker is told first. `version` is that of the bundle at the address."""

    address: str
    version: str
    options: Options
    out: str


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a worker says: progress in its part, or that the part is done, or failed with a sentence."""

    rows: int = 0
    bad_rows: int = 0
    share: float = 0.0
    done: bool = False
    failed: str = ""


decode_part = msgspec.json.Decoder(Part).decode
decode_report = msgspec.json.Decoder(Report).decode


def run(given: IO[bytes], said: IO[bytes]) -> None:
    """Answer the parts that are given, until there are no more."""

    def say(report: Report) -> None:
        said.write(msgspec.json.encode(report) + b"\n")
        said.flush()

    task = msgspec.json.decode(given.readline(), type=Task)
    try:
        answering = _answering(task, say)
    except (Refusal, Failed) as error:
        say(Report(failed=str(error)))
        return
    while line := given.readline():
        try:
            record = answering.answer(decode_part(line))
        except Failed as failed:
            say(Report(failed=str(failed)))
        except pa.ArrowMemoryError:
            say(Report(failed=f"{decode_part(line).source.path}: not enough memory; type --processes 1"))
        except pa.ArrowException as error:  # a column of a type that Arrow cannot write in this form
            say(Report(failed=f"{decode_part(line).source.path}: {error}; leave the column out with --keep"))
        else:
            say(Report(record.rows, record.bad_rows, 1.0, done=True))


def _answering(task: Task, say: object) -> Answering:
    assert callable(say)
    verified = fetch_verified(task.address)
    if verified.digest != task.version:
        raise Failed(f"{task.address}: expected bundle {task.version}, found {verified.digest}; start again")

    def report(rows: int, bad_rows: int, share: float) -> None:
        say(Report(rows, bad_rows, share))

    return Answering(load_verified(verified), task.options, open_place(task.out), report)


if __name__ == "__main__":
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    said = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints does not disturb the parent
    try:
        run(sys.stdin.buffer, said)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)  # the parent is gone
