import importlib.util
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from benchmarks.wire.contenders import CONTENDERS, OURS, PLAIN, UVLOOP
from benchmarks.wire.processes import NotServed, Server, family, two_cores
from benchmarks.wire.servers.constants import VARIABLE
from benchmarks.wire.stage import Stage, check_prediction, check_size
from contract.refusal import Refusal


@pytest.fixture(scope="module")
def stage(artifacts: Path) -> Stage:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs a machine of two cores")
    return Stage(artifacts)


@pytest.mark.parametrize("name", CONTENDERS)
def test_a_contender_answers_the_example(stage: Stage, name: str) -> None:
    """A contender answers through a real socket: predictors with our document, constants with as many bytes."""
    needs = "fastapi" if name == PLAIN else name.partition("_")[0]
    if needs in ("fastapi", "fastpysgi") and not importlib.util.find_spec(needs):
        pytest.skip(f"needs {needs}: make .venv/.bench")
    if needs == "nginx" and not shutil.which(needs):
        pytest.skip("needs the Debian package nginx")
    with stage.ready(CONTENDERS[name]) as server:
        assert os.sched_getaffinity(server.process.pid) == stage.server_core
        assert server.cpu_seconds() > 0
        assert 1 < server.memory_mb() <= server.memory_mb("VmHWM") < 1000
    assert server.process.poll() is not None


def test_settings_of_the_shell_do_not_reach_the_contenders(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contenders run by their defaults, whatever the shell has set."""
    monkeypatch.setenv("MAX_BODY_BYTES", "1")
    monkeypatch.setenv("FAST_PATH", "0")
    with stage.serving(CONTENDERS[OURS]) as server:
        environment = Path(f"/proc/{server.process.pid}/environ").read_bytes().split(b"\0")
    assert not [variable for variable in environment if variable.startswith((b"MAX_BODY_BYTES", b"FAST_PATH"))]


def test_a_start_is_timed_to_its_first_answer(stage: Stage) -> None:
    """A timed start leaves no process behind."""
    before = family(os.getpid())
    assert stage.first_answer_ms(CONTENDERS[UVLOOP]) > 0
    assert family(os.getpid()) == before


def _with_body(answer: bytes, **fields: object) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + msgspec.json.encode({**msgspec.json.decode(body), **fields})


@pytest.mark.parametrize(
    "fields", [{"species": "Gentoo"}, {"probabilities": {"Gentoo": 0.1, "Chinstrap": 0.0, "Adelie": 0.9}}]
)
def test_a_wrong_answer_is_never_timed(stage: Stage, fields: dict[str, object]) -> None:
    """A wrong answer is refused; so is one of another size from a constant."""
    wrong = _with_body(stage.expected, **fields)
    with pytest.raises(NotServed, match="another answer"):
        check_prediction(wrong, stage.expected)
    with pytest.raises(NotServed, match="bytes"):
        check_size(stage.expected + b" " * 100, stage.expected)


def test_an_answer_without_the_prediction_is_another_document(stage: Stage) -> None:
    """An answer may have more than the prediction, but not less."""
    check_prediction(_with_body(stage.expected, note=1), stage.expected)
    with pytest.raises(NotServed, match="expected a document"):
        check_prediction(stage.expected.partition(b"{")[0] + b"{}", stage.expected)


def test_a_server_that_does_not_start_says_why() -> None:
    """The error has the command and the last words of the server."""
    server = Server(("benchmarks.wire.servers.nonesuch",), {}, frozenset(os.sched_getaffinity(0)))
    try:
        with pytest.raises(NotServed, match=r"nonesuch ended with status 1, saying: .*nonesuch"):
            server.first_answer()
    finally:
        server.stop()


def test_a_machine_of_one_core_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of one core is refused: server and generator would fight for it."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    with pytest.raises(Refusal, match="a core each, found 1"):
        two_cores()


def test_a_wrong_contender_is_named(stage: Stage) -> None:
    """A server that is taken for a predictor is refused by its name."""
    wrong = CONTENDERS[UVLOOP]._replace(environment={VARIABLE: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"})
    with pytest.raises(NotServed, match="uvloop constant: expected an answer of"), stage.ready(wrong):
        pass
