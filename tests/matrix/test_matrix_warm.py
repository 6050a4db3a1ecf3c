"""A program in a fork of this process ends as it ends in a Python of its own."""

import subprocess
import sys

import pytest

from tests.matrix.warm import warmed

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # no fork uses a lock here

PROGRAMS = {
    "bytes on stdout": "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)",
    "its arguments": "import sys; print(sys.argv)",
    "a text for an exit": "import sys; sys.exit('not a model')",
    "a number for an exit": "import sys; sys.exit(7)",
    "an exit without anything": "import sys; print('x', end=''); sys.exit()",
    "a death": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "words on both": "import sys; print('out'); print('err', file=sys.stderr)",
    "names of its own": "print(__name__, 'warmed' in globals())",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_it_ends_as_in_a_python_of_its_own(program: str) -> None:
    """A program in a fork has the status and output of a Python of its own."""
    command = [sys.executable, "-c", program, "a file", "-x"]
    expected = subprocess.run(command, capture_output=True, timeout=300, check=False)
    found = warmed(subprocess.run)(command, capture_output=True, timeout=300, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (expected.returncode, expected.stdout, expected.stderr)


def test_an_exception_ends_with_status_1_and_its_text() -> None:
    """An exception ends the fork with status 1 and its text."""
    found = warmed(subprocess.run)([sys.executable, "-c", "raise ValueError('no number')"], timeout=300)
    assert found.returncode == 1
    assert found.stderr.endswith(b"ValueError: no number\n")


def test_other_programs_are_run_as_ever() -> None:
    """Other programs still run as processes."""
    found = warmed(subprocess.run)(["echo", "-c", "hello"], capture_output=True, check=True)
    assert found.stdout == b"-c hello\n"


def test_this_process_keeps_its_own_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    """This process keeps its own stdout."""
    warmed(subprocess.run)([sys.executable, "-c", "print('inside')"], timeout=300)
    print("outside", flush=True)
    assert capfd.readouterr().out == "outside\n"
