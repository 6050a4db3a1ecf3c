from pathlib import Path

import pytest

from benchmarks.memory_limit import PREDICTION, binary_batch, json_batch, load, main
from tests.support.service import Service

DOCKER = """#!/bin/sh
echo "$*" >>ASKED
case "$*" in
run*) echo thing ;;
*Running* | *OOMKilled*) echo false ;;
*ExitCode*) echo 2 ;;
*Pid*) echo 0 ;;
esac
"""


def test_every_load_is_a_right_one(service: Service) -> None:
    """Each is answered 200, all are counted, and a connection that nobody takes is broken."""
    for request in (PREDICTION, json_batch(100), binary_batch(70_000)):
        assert load(service.port, request, clients=2, requests=3) == "3 x 200"
    with_text = json_batch(1)._replace(body=b"{}")
    assert load(service.port, with_text, clients=1, requests=2) == "2 x 400"
    assert load(1, PREDICTION, clients=1, requests=2) == "2 x broken"


def test_a_container_is_removed_whatever_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A container that ended at once is reported, with its limit and without swap."""
    program = tmp_path / "docker"
    program.write_text(DOCKER.replace("ASKED", str(tmp_path / "asked")))
    program.chmod(0o755)
    monkeypatch.setenv("DOCKER", str(program))
    assert main(["--limits", "40", "--out", str(tmp_path / "memory.md")]) == 0
    assert "| 40 | 1 |  |  |  |  |  |  | 0 | exit 2 |" in (tmp_path / "memory.md").read_text(encoding="utf-8")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert sum("--memory 40m --memory-swap 40m" in line for line in asked) == 2
    assert sum(line == "rm --force thing" for line in asked) == 2
    program.write_text("#!/bin/sh\necho denied >&2; exit 1\n")
    assert main(["--limits", "40", "--out", str(tmp_path / "none.md")]) == 2
    assert "saying: denied" in capsys.readouterr().err
    assert not (tmp_path / "none.md").exists()
