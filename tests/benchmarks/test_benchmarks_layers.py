import re
from pathlib import Path

import pytest

from benchmarks.engine import Build, Engine, layers_made
from benchmarks.layers import CHANGES, COLD, NOTHING, Rebuild, main, page
from contract.refusal import Refusal

LOG = """\
#4 [build  1/3] FROM docker.io/library/python:3.13
#5 [stage-2 2/3] RUN rm -rf x
#5 CACHED

#6 [build 2/3] COPY contract contract
#6 DONE 0.1s

#7 [build 3/3] RUN python -m train
#7 0.1 #8 CACHED, says the program
#7 DONE 9.0s
"""
DOCKER = """#!/bin/sh
case "$*" in
*no-cache*) cold=1 ;;
"info --format"*) echo vfs ;;
esac
for last; do :; done
[ "$1" = build ] || exit 0
cat "$last/app/http.py" "$last/contract/features.py" | cksum >>SEEN
printf '#1 [a 1/2] COPY x x\\n#2 [a 2/2] RUN y\\n' >&2
[ "$cold" ] || echo '#1 CACHED' >&2
"""


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What an engine that keeps every first layer was given to build."""
    program = tmp_path / "docker"
    program.write_text(DOCKER.replace("SEEN", str(tmp_path / "seen")))
    program.chmod(0o755)
    monkeypatch.setenv("DOCKER", str(program))
    return tmp_path / "seen"


def test_layers_are_counted_by_the_builds_own_log() -> None:
    """Steps that run or copy; what a program prints within one does not count."""
    assert layers_made(LOG) == (2, 3)


def test_every_change_is_built_and_taken_back(seen: Path, tmp_path: Path) -> None:
    """Cold, unchanged, then each change alone; a change is another one in the next round."""
    assert main(["--rounds", "2", "--out", str(tmp_path / "layers.md")]) == 0
    written = (tmp_path / "layers.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (.*?) \| (\d) \| 2 \|", written, re.MULTILINE) == [
        (COLD, "2"),
        *((name, "1") for name in (NOTHING, *(change for change, _ in CHANGES))),
    ]
    assert "Storage driver vfs; rounds: 2." in written
    built = seen.read_text().splitlines()
    usual = built[0]
    assert [line == usual for line in built[:7]] == [True, True, False, True, False, True, True]
    assert len({line for line in built if line != usual}) == 4


def test_shares_are_those_within_a_round() -> None:
    """Half of a slow round and half of a fast one are a half."""
    rounds = [[Rebuild(COLD, Build(cold, 3, 3)), Rebuild(NOTHING, Build(cold / 2, 0, 3))] for cold in (10.0, 100.0)]
    assert f"| {NOTHING} | 0 | 3 | 27.5 | 50% |" in page(rounds, "overlay2")


def test_an_engine_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, status 2; the same for an engine that refuses, with its own last words."""
    monkeypatch.setenv("DOCKER", "/nowhere/docker")
    assert main([]) == 2
    assert "expected a Docker client" in capsys.readouterr().err
    with pytest.raises(Refusal, match="ended with status 7, saying: no"):
        Engine("sh", ()).ask("-c", "echo no; exit 7")
