"""How a command ends: a refusal in one line, a reader that leaves, and advice that can be followed where it is read."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contract.refusal import COMPILE, COMPILE_AGAIN, READER_LEFT
from tests.support.commands import ROOT

SOCKET = """
from contract.refusal import exit_status
def command():
    print("kept")
    raise BrokenPipeError(32, "of a socket")
exit_status(command)
"""


def printing(lines: int, ending: str) -> str:
    """Return a program that prints and then ends as a command may."""
    return (
        "import sys\nfrom contract.refusal import Refusal, exit_status\n"
        f"def command():\n    for number in range({lines}): print(number)\n    {ending}\n"
        "sys.exit(exit_status(command))"
    )


@pytest.mark.parametrize("lines", [1, 100_000], ids=["all in the buffer", "more than a pipe holds"])
@pytest.mark.parametrize("ending", ["pass", "sys.exit(1)", "raise Refusal('found none')"])
def test_a_reader_that_leaves_is_no_fault(lines: int, ending: str) -> None:
    """A command whose reader has left ends with 141, as by SIGPIPE, and without a traceback."""
    read, write = os.pipe()
    os.close(read)  # as `head` does when it has its lines
    command = [sys.executable, "-c", printing(lines, ending)]
    ran = subprocess.run(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(write)
    assert ran.returncode == READER_LEFT
    assert ran.stderr in ("", "error: found none\n")


def test_another_broken_pipe_is_a_fault() -> None:
    """A broken pipe that is not stdout's passes through, and what was printed is there."""
    command = [sys.executable, "-c", SOCKET]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (1, "kept\n")
    assert "BrokenPipeError: [Errno 32] of a socket" in ran.stderr


def test_advice_names_no_command_that_is_not_here(tmp_path: Path) -> None:
    """Where there is no compiler, as in the image, the advice says where to type the command."""
    (tmp_path / "contract").symlink_to(ROOT / "contract")
    command = [sys.executable, "-c", "from contract.refusal import COMPILE; print(COMPILE)"]
    there = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    assert there == "python -m compile MODEL, in a checkout: there is no compiler here\n"
    assert COMPILE == "python -m compile MODEL"
    assert COMPILE_AGAIN.endswith(COMPILE)


def test_the_service_never_says_make() -> None:
    """No refusal of the service tells a person to type make."""
    for folder in ("app", "bundle", "contract"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            assert not re.search(r"\bmake (compile|train|run)\b", path.read_text(encoding="utf-8")), path
