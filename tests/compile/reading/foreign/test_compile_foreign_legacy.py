"""Formats that XGBoost wrote and no longer reads."""

import base64
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import xgboost

from compile.reading.foreign.kinds import foreign
from compile.reading.foreign.sample import HEAD
from tests.compile.reading.foreign.files import MODEL, binary_model, booster, told, typed


@pytest.mark.parametrize("version", [(0, 0), (1, 0), (1, 2), (1, 7), (2, 1), (3, 0)])
@pytest.mark.parametrize("kind", ["gbtree", "dart", "gblinear"])
def test_the_old_binary_format_is_told_with_the_line_that_converts_it(version: tuple[int, int], kind: str) -> None:
    """A model in the old binary format gets the line that converts it."""
    text = told(binary_model(version, kind=kind) + bytes(1000), "old.model")
    written = f"XGBoost {version[0]}.{version[1]}" if version[0] else "XGBoost before 1.0"
    assert f"({kind}, binary:logistic, written by {written})" in text
    assert "XGBoost 3.1 and newer cannot read it, XGBoost 0.90 to 3.0 can" in text
    assert 'pip install "xgboost==3.0.*"' in text
    assert "old.model old.new.json && python -m compile old.new.json" in text


def test_xgboost_refuses_the_old_binary_format(tmp_path: Path) -> None:
    """XGBoost refuses the old binary format, so the advice is needed."""
    path = tmp_path / "old.model"
    path.write_bytes(binary_model() + bytes(1000))
    with pytest.raises(xgboost.core.XGBoostError, match=r"removed in 3\.1"):
        xgboost.Booster(model_file=path)


def test_the_line_that_converts_reads_by_content(tmp_path: Path) -> None:
    """The advised line reads a model by content, although its name has another ending."""
    _, code, old, new, *_ = shlex.split(told(binary_model(), "old.ubj").partition("bin/python ")[2])
    (tmp_path / old).write_bytes(MODEL)
    subprocess.run([sys.executable, "-c", code, old, new], cwd=tmp_path, check=True)
    assert (tmp_path / new).read_bytes() == MODEL


def test_the_base64_form_is_decoded_to_the_binary_format(tmp_path: Path) -> None:
    """The base64 form of old XGBoosts gets the line that decodes it."""
    path = tmp_path / "old.model"
    path.write_bytes(b"bs64\t" + base64.b64encode(binary_model((0, 0))) + b"\n")
    text = foreign(path, path.read_bytes())
    assert text is not None
    subprocess.run(["sh", "-ec", typed(text).partition(";")[0]], cwd=tmp_path, check=True)
    assert (tmp_path / "old.new.bin").read_bytes() == binary_model((0, 0))
    assert "old.new.bin old.new.json && python -m compile old.new.json" in text


@pytest.mark.parametrize("data", [b"CONFIG-offset:\x03\x1e\0\0\0\0\0\0", bytes(booster().__getstate__()["handle"])])
def test_a_memory_image_is_told(data: bytes) -> None:
    """A memory image of XGBoost is recognised."""
    assert told(data).startswith("the memory image of a Booster")


def test_a_memory_image_in_json_is_told() -> None:
    """A memory image in JSON is recognised, a large one too."""
    image = b'{"Config":{"learner":{}},"Model":' + MODEL
    assert told(image + b"}").startswith("the memory image of a Booster")
    assert told(image + b" " * HEAD + b"}").startswith("the memory image of a Booster")


def test_the_binary_format_without_its_names_is_told_by_its_magic_number() -> None:
    """A cut binary model is recognised by its magic number."""
    assert "(cut short)" in told(binary_model()[:120])
    assert told(binary_model((1, 0))[:-1]).startswith("of no kind that is known here")
