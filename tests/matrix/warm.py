"""`subprocess.run([sys.executable, "-c", CODE, ...])` in a fork of this process, which has imported XGBoost already.

Importing it takes a second and more, and the reader of models starts a Python for every file.
"""

import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import IO, Any

Run = Callable[..., subprocess.CompletedProcess[Any]]


def warmed(run: Run) -> Run:
    """Return what to put in the place of `subprocess.run`; what starts no Python with `-c` still goes to it."""

    def run_warm(command: list[str], **how: Any) -> subprocess.CompletedProcess[Any]:
        if command[:2] == [sys.executable, "-c"]:
            return _forked(command, how["timeout"])
        return run(command, **how)

    return run_warm


def _forked(command: list[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process == 0:
            signal.alarm(int(seconds))
            os.dup2(out.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            os._exit(_executed(command[2], command[3:]))
        _, status = os.waitpid(process, 0)
        said, complained = _all(out), _all(errors)
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(status), said, complained)


def _executed(code: str, arguments: list[str]) -> int:
    """Run the code as a program. Return its exit status."""
    sys.argv = ["-c", *arguments]
    sys.stdout, sys.stderr = (open(descriptor, "w") for descriptor in (1, 2))  # noqa: PTH123, SIM115 - not of a path
    status = 0
    try:
        exec(code, {"__name__": "__main__"})  # noqa: S102 - it is our own, as it is of the process that this stands for
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - a program's end
        status = 1
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _all(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
