"""What goes wrong with files: each fault has its sentence, the other files go on, and nothing half-written is left."""

import errno
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq
import pytest

from score.bundle import Bundle
from score.files import finding
from score.files.answering import Answering
from score.files.bucket import BucketPlace
from score.files.directory import DirectoryPlace
from score.files.job import Failed, Options
from score.files.parts import parts_of
from score.files.writing import Digested
from tests.support.cloud import Cloud
from tests.support.scoring import answered, birds, command, digests, finished, scored, spoil


def failing(calls: list[int], nth: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation that finds a full disk at the Nth call of all that share `calls`."""

    def operation(*arguments: Any, **keywords: Any) -> Any:
        calls.append(1)
        if len(calls) == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **keywords)

    return operation


def sentence_of(work: Callable[[], object]) -> str:
    """Return why something failed, or an empty string."""
    try:
        work()
    except Failed as failed:
        return str(failed)
    return ""


def test_a_full_disk_at_any_step_leaves_nothing_half_written(
    one: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever write, fsync or rename fails, the sentence says so, and the next run ends in the same bytes."""
    options = Options(bad_rows="separate")
    answered(one, tmp_path / "whole", bundle, options)
    wanted = digests(tmp_path / "whole")
    for nth in range(1, 200):
        out, calls = tmp_path / f"out{nth}", list[int]()
        with monkeypatch.context() as patched:
            for owner, name in ((Digested, "write"), (os, "fsync"), (Path, "replace"), (Path, "mkdir")):
                patched.setattr(owner, name, failing(calls, nth, getattr(owner, name)))
            failed = sentence_of(partial(answered, one, out, bundle, options))
        if not failed:
            assert nth > len(calls) > 10
            break
        assert "No space left on device; free some space or choose another --out" in failed
        left = digests(out) if out.exists() else {}
        assert left.items() <= wanted.items(), "half-written"
        answered(one, out, bundle, options)
        assert digests(out) == wanted
    assert digests(out) == wanted


def test_a_file_system_without_room_has_its_sentence(bundle_path: Path, tmp_path: Path) -> None:
    """The command says that a file may not grow, and ends with 1; with room it ends the job."""
    pq.write_table(birds(20_000), tmp_path / "birds.parquet")
    arguments = (tmp_path / "birds.parquet", "--out", tmp_path / "out")
    process = command(bundle_path, *arguments, limit=400_000)
    result = finished(process)
    assert result.returncode == 1, result.stderr
    assert "birds.parquet: File too large; free some space or choose another --out" in result.stderr
    assert "not complete: run the command again" in result.stderr
    assert digests(tmp_path / "out").keys() == {"_plan.json"}
    result = scored(bundle_path, *arguments)
    assert result.returncode == 0, result.stderr
    assert "complete" in result.stderr


def changing(answering: Answering, change: Callable[[], None]) -> Answering:
    """Return what makes a change in the middle of a part."""
    answering._report = lambda *_: change()
    return answering


@pytest.mark.parametrize("how", ["grown", "replaced", "removed"])
def test_a_file_that_changes_meanwhile_is_refused(one: Path, bundle: Bundle, tmp_path: Path, how: str) -> None:
    """A part whose file changes while it is read is not written, and the sentence says what changed."""
    (part,), _ = parts_of(finding.find([str(one)], "out"))

    def change() -> None:
        if how == "grown":
            with one.open("ab") as file:
                file.write(b"more")
        elif how == "replaced":
            one.with_suffix(".new").write_bytes(b"other")
            one.with_suffix(".new").replace(one)
        else:
            one.unlink()

    answering = Answering(bundle, Options(), DirectoryPlace(str(tmp_path / "out")), lambda *_: None)
    with pytest.raises(Failed, match=r"changed meanwhile: expected .* bytes, changed at .*, found"):
        changing(answering, change).answer(part)
    assert not digests(tmp_path / "out")


def test_a_file_that_changed_before_its_part_is_refused(one: Path, bundle: Bundle, tmp_path: Path) -> None:
    """A part is not answered if its file is another one than when the job began."""
    (part,), _ = parts_of(finding.find([str(one)], "out"))
    pq.write_table(birds(3), one)
    with pytest.raises(Failed, match="changed meanwhile"):
        Answering(bundle, Options(), DirectoryPlace(str(tmp_path / "out")), lambda *_: None).answer(part)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("empty", "expected a file with rows, found an empty one"),
        ("half", "expected a whole file that Arrow can read, found: "),
        ("flipped", "expected a whole file that Arrow can read, found: "),
        ("text", "expected a whole file that Arrow can read, found: "),
        ("schema", "expected a column bill_length_mm, found none"),
    ],
)
def test_a_faulty_file_has_its_sentence(one: Path, bundle: Bundle, tmp_path: Path, how: str, sentence: str) -> None:
    """A file that is empty, cut, damaged, or has other columns is refused by name, and nothing is written."""
    spoil(one, how)
    with pytest.raises(Failed, match=sentence) as failed:
        answered(one, tmp_path / "out", bundle)
    assert str(failed.value).startswith(str(one))
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.csv", b"\n1,2\n", "expected a line with the names of the columns, found none"),
        ("a.csv", b"\xff\xfea,b\n", "expected UTF-8; save the file as UTF-8"),
        ("a.csv", b"a,b\n1,2\n", "expected a column bill_length_mm, found none"),
        ("a.csv", b"bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g\n\xff,1,2,3\n", "expected a whole file"),
        ("a.arrow", b"ARROW1\0\0", "expected a whole file that Arrow can read"),
    ],
)
def test_a_faulty_text_has_its_sentence(bundle: Bundle, tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    """Text without a header, in another encoding, or with a quote that is never closed is refused by name."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Failed, match=sentence):
        answered(tmp_path / name, tmp_path / "out", bundle)


@pytest.mark.parametrize("fault", ["lost", "reset", 503])
def test_an_upload_that_is_tried_again_makes_one_object(cloud: Cloud, fault: int | str) -> None:
    """An upload whose answer got lost finds its own object, and compares checksums."""
    place = BucketPlace("gs://birds/out")
    cloud.fail_nth(1, fault)
    place.create("a", writing(b"bytes"))
    assert cloud.objects["out/a"].data == b"bytes"
    with pytest.raises(Failed, match="gs://birds/out/a is there with other bytes, and is not overwritten"):
        place.create("a", writing(b"other"))
    assert cloud.objects["out/a"].data == b"bytes"


def writing(data: bytes) -> Callable[[IO[bytes]], None]:
    """Return what writes these bytes to a file."""

    def write(file: IO[bytes]) -> None:
        file.write(data)

    return write


def test_an_input_in_a_bucket_is_one_generation(one: Path, bundle_path: Path, tmp_path: Path, cloud: Cloud) -> None:
    """The record names the generation. An object that is replaced after the job began is refused."""
    cloud.put("in/birds.parquet", one.read_bytes())
    generation = cloud.objects["in/birds.parquet"].generation
    result = scored(bundle_path, "gs://birds/in", "--out", tmp_path / "out", "--processes", "1")
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "out" / "_birds.parquet.json").read_text())
    assert record["state"].endswith(f"generation {generation}")
    assert scored(bundle_path, one, "--out", tmp_path / "local").returncode == 0
    assert digests(tmp_path / "out")["birds.parquet"] == digests(tmp_path / "local")["birds.parquet"]
    (found,) = finding.find(["gs://birds/in/*.parquet"], "out")
    cloud.put("in/birds.parquet", one.read_bytes())
    _, failed = parts_of([found])
    assert "it may have been replaced since the job began" in failed[found.path]


def test_a_quote_that_is_never_closed_is_a_bad_row(bundle: Bundle, tmp_path: Path) -> None:
    """The rest of the file is then one row, which has a reason."""
    header = "bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g"
    (tmp_path / "a.csv").write_text(f'{header}\n39.1,18.7,181,3750\n"39,1,2,3\n1,2,3,4\n')
    (record,) = answered(tmp_path / "a.csv", tmp_path / "out", bundle)
    assert (record.rows, record.bad_rows) == (2, 1)
