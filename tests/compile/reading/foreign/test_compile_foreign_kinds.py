"""What a file is that is no model of XGBoost in JSON or UBJSON, and that a model never is."""

import bz2
import gzip
import json
import lzma
import shlex
import shutil
import subprocess
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from compile.reading.foreign.kinds import foreign
from compile.reading.foreign.sample import HEAD, TAIL
from tests.compile.reading.foreign.files import (
    CATBOOST,
    CATBOOST_JSON,
    KINDS,
    LIGHTGBM_JSON,
    MODEL,
    RDS,
    UBJSON,
    binary_model,
    booster,
    told,
    typed,
)


@pytest.mark.parametrize("parameters", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("form", ["json", "ubj"])
@pytest.mark.parametrize("space", [b"", b" ", b"\r\n\t "])
def test_a_model_of_xgboost_is_not_foreign(parameters: dict[str, Any], form: str, space: bytes) -> None:
    """A model of XGBoost is never foreign, whatever its booster, and even when it is cut off."""
    model = space + bytes(booster(**parameters).save_raw(form))
    for length in (*range(len(space) + 1, 300), len(model) // 2, len(model) - 1, len(model)):
        assert foreign(Path("model"), model[:length]) is None


def test_a_model_with_another_library_s_words_is_not_foreign() -> None:
    """A model is not foreign because its names are words of another library."""
    model = booster()
    model.feature_names = ["oblivious_trees", "learner_train_param", "Config"]
    model.set_attr(tree_info="booster[0]:", nodeid='{"learner_train_param": {}}')
    for form in ("json", "ubj"):
        assert foreign(Path("model"), bytes(model.save_raw(form))) is None


def test_a_model_larger_than_what_is_looked_at_is_not_foreign() -> None:
    """A model larger than the parsed megabyte is not foreign."""
    assert foreign(Path("model"), MODEL[:-1] + b',"more":"' + b" " * HEAD + b'"}') is None
    assert foreign(Path("model"), b" " * 2 * HEAD + MODEL) is None


def test_a_model_with_a_configuration_in_it_is_not_foreign() -> None:
    """A model with a configuration in it is not foreign, because it has trees."""
    document = json.loads(MODEL)
    document["learner"]["learner_train_param"] = {"booster": "gbtree"}
    assert foreign(Path("model"), json.dumps(document).encode()) is None


def test_a_model_in_the_wrong_order_is_not_foreign() -> None:
    """A model with keys in another order is not foreign."""
    document = json.loads(MODEL)
    assert foreign(Path("model"), json.dumps(dict(reversed(document.items())), indent=1).encode()) is None


def assert_told_or_not(data: bytes) -> None:
    text = foreign(Path("model"), data)
    assert text is None or (text and text.isprintable())


@given(st.binary())
def test_any_bytes_are_told_or_not(data: bytes) -> None:
    """Any bytes give one printable line or nothing, and raise nothing."""
    assert_told_or_not(data)


BEGINNINGS = (
    *(b"\x80\2", b"\x80\4\x95", b"\x80\5", b"ccopy_reg\n_reconstructor\np0\n", b"(lp0\n", b"]q\0"),
    *(b"PK\3\4", b"PK\5\6", b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x5d\0\0", b"\x78\x9c"),
    *(b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"binf", b"bs64\t", b"CONFIG-offset:", b"{L\0\0\0\0\0\0\0\6Config"),
    *(b"\x08\x01\x12", b"\x04\0\0\0\x08\0\0\0\1\0\0\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{"),
    *(b"{", b'{"', b"[", b"<", b"a,b\n", b"X\n", b"tree\n", CATBOOST_JSON[:-1], LIGHTGBM_JSON[:-1], RDS),
    *(binary_model()[:140], binary_model()[:-1], MODEL[:99], UBJSON[:99]),
)


@given(st.sampled_from(BEGINNINGS), st.binary())
def test_any_bytes_after_a_familiar_beginning_are_told_or_not(start: bytes, rest: bytes) -> None:
    """Any bytes after a known beginning give one printable line or nothing."""
    assert_told_or_not(start + rest)


ANY_JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(ANY_JSON)
def test_any_json_is_told_or_not(document: Any) -> None:
    """A JSON document may be a model only if it is an object with the key learner."""
    text = foreign(Path("model"), json.dumps(document).encode())
    assert text or (isinstance(document, dict) and "learner" in document)


@pytest.mark.parametrize(
    "data", [b"[" * 2 * HEAD, b'{"a":' * 300_000, b'{"learner":' + b'{"a":' * 150_000, b"\xef\xbb\xbf" * 100_000]
)
def test_deep_nesting_is_no_matter(data: bytes) -> None:
    """Deeply nested brackets or byte order marks raise nothing."""
    assert foreign(Path("model"), data) is None or told(data)


class Counted(bytes):
    """Bytes that record how many of them are taken."""

    taken: list[int]

    def __getitem__(self, index: Any) -> Any:  # the type of bytes.__getitem__ is overloaded
        part = super().__getitem__(index)
        self.taken.append(len(part))
        return part


@pytest.mark.parametrize("start", [b"", b"{", b"PK\3\4", b"\x80\2N", b"\x1f\x8b\x08", b"a,b\n"])
def test_a_large_file_is_not_read_as_a_whole(start: bytes) -> None:
    """A reader takes a megabyte of a file's beginning and 64 KiB of its end."""
    data = Counted(start + bytes(3 * HEAD))
    data.taken = []
    foreign(Path("model"), data)
    assert sum(data.taken) <= HEAD + TAIL


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, zlib.compress, lzma.compress])
def test_a_bomb_does_not_go_off(compress: Callable[[bytes], bytes]) -> None:
    """A compressed bomb is unpacked for one megabyte only."""
    bomb = compress(compress(bytes(64 * HEAD)))
    tracemalloc.start()
    told(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * HEAD


def test_what_is_compressed_is_told_with_its_command() -> None:
    """A compressed file gets the command that unpacks it."""
    text = told(gzip.compress(CATBOOST), "model.gz")
    assert "type: gzip -dc < model.gz > model.new.bin); in it is a model of CatBoost" in text


def test_many_compressions_are_not_all_undone() -> None:
    """A file that is compressed many times is not unpacked without end."""
    data = MODEL
    for _ in range(50):
        data = gzip.compress(data)
    assert told(data).count("compressed by gzip") <= 4


@pytest.mark.parametrize(
    ("program", "packed", "name"),
    [
        ("gzip", gzip.compress(MODEL, mtime=0), "gzip"),
        ("gzip", gzip.compress(UBJSON, mtime=0), "gzip"),
        ("bzip2", bz2.compress(MODEL), "bzip2"),
        ("xz", lzma.compress(MODEL), "xz"),
        ("xz", lzma.compress(MODEL, format=lzma.FORMAT_ALONE), "lzma"),
        ("python3", zlib.compress(MODEL), "zlib"),
        ("tail", b"\xef\xbb\xbf" + MODEL, "byte order mark"),
        ("iconv", MODEL.decode().encode("utf-16"), "UTF-16"),
        ("iconv", MODEL.decode().encode("utf-16-le"), "UTF-16LE"),
        ("iconv", MODEL.decode().encode("utf-32-be"), "UTF-32BE"),
    ],
)
def test_the_command_gives_the_model(tmp_path: Path, program: str, packed: bytes, name: str) -> None:
    """The advised command makes a model that XGBoost reads, from any path."""
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    path = tmp_path / "my model's; rm -rf $HOME.json"
    path.write_bytes(packed)
    text = foreign(path, packed)
    assert text is not None
    assert name in text
    subprocess.run(["sh", "-ec", typed(text)], cwd=tmp_path, check=True)
    (made,) = set(tmp_path.iterdir()) - {path}
    assert made.read_bytes() in (MODEL, UBJSON)
    xgboost.Booster(model_file=made)
    assert path.read_bytes() == packed


def test_a_compression_that_python_cannot_undo_is_named() -> None:
    """A compression that this Python does not have is named."""
    assert "compressed by Zstandard; type: zstd -dc < model.bin > model.new.bin" in told(
        b"\x28\xb5\x2f\xfd\x04\x58\x01\0"
    )
    assert "compressed by LZ4; type: lz4 -dc <" in told(b"\x04\x22\x4d\x18\x40\x40\xc0")


@pytest.mark.parametrize("name", ["-rf", "a\nb", "\x1b[2J", "\udcff", "", ".json", "a b'c"])
def test_any_path_can_be_shown_and_typed(name: str) -> None:
    """Any path is printed quoted or replaced, and never becomes an option."""
    line = typed(told(gzip.compress(MODEL, mtime=0), name))
    source, target = shlex.split(line.replace("gzip -dc <", "").replace(">", ""))
    assert source in {f"./{name}" if name.startswith("-") else name, "FILE", "."}
    assert target != source
    assert not target.startswith("-")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (bytes(5000), "nothing but zero bytes"),
        (b"\1\2\3\xff", "of no kind that is known here (its first bytes: 01 02 03 ff)"),
        ("not a mödel\nat all".encode(), "text that begins with 'not a mödel'"),
        (b"a" * 39 + "ö".encode(), f"text that begins with '{'a' * 39}'"),
    ],
)
def test_anything_else_is_told_by_how_it_begins(data: bytes, what: str) -> None:
    """Any other file is described by its beginning, with what was expected."""
    assert told(data).startswith(what)
