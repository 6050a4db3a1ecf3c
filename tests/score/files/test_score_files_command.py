"""The command: files that fail beside others, what it does when it is run again, and mistakes of its user."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.scoring import command, digests, finished, scored, season, spoil


def test_the_other_files_go_on(bundle_path: Path, tmp_path: Path) -> None:
    """Faulty files are named, one sentence each, and the status is 1. When they are mended, another place is needed."""
    files = season(tmp_path / "in", rows=400, groups=2)
    for how in ("empty", "half", "schema"):
        shutil.copy(files / "birds.parquet", files / f"{how}.parquet")
        spoil(files / f"{how}.parquet", how)
    result = scored(bundle_path, files, "--out", tmp_path / "out")
    assert result.returncode == 1, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    assert all(f"{how}.parquet" in "".join(errors) for how in ("empty", "half", "schema"))
    assert {"birds-00000-of-00002.parquet", "birds-00001-of-00002.parquet", "birds.csv"} <= digests(
        tmp_path / "out"
    ).keys()
    assert not (tmp_path / "out" / "_manifest.json").exists()
    (files / "empty.parquet").unlink()
    result = scored(bundle_path, files, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "empty.parquet, with which this place was begun; it is not there; choose another --out" in result.stderr


def test_run_again_it_does_what_is_missing(bundle_path: Path, tmp_path: Path) -> None:
    """A second run does nothing; if parts are gone, it makes those, and the manifest is of all records."""
    files = season(tmp_path / "in", rows=400, groups=2)
    assert scored(bundle_path, files, "--out", tmp_path / "out").returncode == 0
    wanted = digests(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert manifest["rows"] == sum(part["rows"] for part in manifest["parts"]) == 400 + 200 + 100 + 400
    made = {output["name"]: output["sha256"] for part in manifest["parts"] for output in part["outputs"]}
    assert made.items() <= wanted.items()
    kept = (tmp_path / "out" / "birds.csv").stat().st_ino
    (tmp_path / "out" / "_manifest.json").unlink()
    (tmp_path / "out" / "birds-00001-of-00002.parquet").unlink()
    result = scored(bundle_path, files, "--out", tmp_path / "out")
    assert result.returncode == 0
    assert "5 parts, 4 done before" in result.stderr
    assert "a file of arrow or csv or ndjson is one part" in result.stderr
    assert digests(tmp_path / "out") == wanted
    assert (tmp_path / "out" / "birds.csv").stat().st_ino == kept


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--keep", "id"], "expected --keep None, with which this place was begun; found ('id',)"),
        (["--bad-rows", "separate"], "expected --bad-rows keep, with which this place was begun; found separate"),
        (["--columns", "mass=id"], "--columns: expected names of inputs, bill_length_mm"),
        (["--columns", "mass"], "--columns: expected INPUT=COLUMN"),
        (["--processes", "0"], "--processes: expected 1 or more, found 0"),
        (["--bundle", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_of_the_user_end_with_2(
    one: Path, bundle_path: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    """Another option in the same place, and options that make no sense, are refused before anything is done."""
    if not any(word in arguments for word in ("--bundle", "--columns", "--processes")):
        assert scored(bundle_path, one, "--out", tmp_path / "out").returncode == 0
    result = finished(command(bundle_path, one, "--out", tmp_path / "out", "--quiet"))
    before = digests(tmp_path / "out")
    bundle = arguments[1] if arguments[0] == "--bundle" else bundle_path
    result = scored(bundle, one, "--out", tmp_path / "out", *(arguments if bundle == bundle_path else []))
    assert result.returncode == 2, result.stderr
    assert sentence in result.stderr
    assert digests(tmp_path / "out") == before


def test_a_worker_that_dies_fails_its_part(bundle_path: Path, tmp_path: Path) -> None:
    """If a worker is killed, its part has a sentence, the other parts are done, and the next run ends the job."""
    files = season(tmp_path / "in", rows=40_000, groups=2)
    process = command(bundle_path, files, "--out", tmp_path / "out", "--processes", "1")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text().split():
        assert process.poll() is None
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    result = finished(process)
    assert result.returncode == 1, result.stderr
    assert "its process ended (SIGKILL: perhaps out of memory); run the command again" in result.stderr
    assert scored(bundle_path, files, "--out", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "_manifest.json").exists()


def test_the_service_imports_no_pyarrow() -> None:
    """The service starts, and loads a bundle and tables, without pyarrow."""
    code = "import sys, app.main, app.__main__, app.table.scoring, score.bundle; print('pyarrow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


def test_files_of_others_are_not_overwritten(one: Path, bundle_path: Path, tmp_path: Path) -> None:
    """A place that has a file of an output's name, and no plan, is refused."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "birds.parquet").write_text("mine")
    result = scored(bundle_path, one, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "expected a place without birds.parquet, which would be overwritten; choose another --out" in result.stderr
    assert (tmp_path / "out" / "birds.parquet").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_refused(one: Path, bundle_path: Path, tmp_path: Path) -> None:
    """A file that cannot be found any more is a mistake of the user, in one line."""
    (one.parent / "gone.csv").symlink_to("nowhere")
    result = scored(bundle_path, one.parent, "--out", tmp_path / "out")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "gone.csv: No such file or directory; mend it, or leave it out" in result.stderr
