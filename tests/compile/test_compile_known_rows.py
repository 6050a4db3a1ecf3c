"""`--publish-rows`: rows go into a bundle only if their owner says so."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from compile.__main__ import main
from compile.beside import Beside, read_beside
from compile.held_out import HeldOut, with_held_out
from compile.reading.booster import CompilableModel
from contract.manifest import Digest
from contract.refusal import Refusal
from contract.training import KNOWN_ROWS_FILE, decode_known_rows


@pytest.fixture
def held_out(artifacts: Path) -> HeldOut:
    """The training rows stand in for held-out ones."""
    return HeldOut(artifacts / "training_rows.csv", "species")


def test_rows_are_published_only_if_asked(held_out: HeldOut, model: CompilableModel) -> None:
    """Without the option the bundle has no rows. With it, it has those of the file, and a note says what that means."""
    assert KNOWN_ROWS_FILE not in with_held_out(Beside(), held_out, model).files
    found = with_held_out(Beside(), held_out._replace(publish=True), model)
    known = decode_known_rows(found.files[KNOWN_ROWS_FILE])
    assert (known.model_sha256, known.answer, known.total) == (Digest.of(model.data).sha256, "species", 342)
    assert known.inputs == model.contract.input_names
    first = held_out.path.read_text().splitlines()[1].split(",")
    assert known.rows[0] == tuple(map(float, first[:4]))
    assert known.answers[0] == first[4]
    assert any("342 of 342 rows are in the bundle" in note and "GET /model/rows" in note for note in found.notices)


def test_training_publishes_the_penguins(artifacts: Path, held_out: HeldOut, model: CompilableModel) -> None:
    """Training writes the same rows as the option would, and compile puts them into the bundle as they are."""
    written = (artifacts / KNOWN_ROWS_FILE).read_bytes()
    option = with_held_out(Beside(), held_out._replace(publish=True), model).files[KNOWN_ROWS_FILE]
    assert decode_known_rows(written) == decode_known_rows(option)
    assert read_beside(artifacts / "penguin_model.json", model).files[KNOWN_ROWS_FILE] == written
    assert (artifacts / "bundle" / KNOWN_ROWS_FILE).read_bytes() == written


def test_rows_of_another_contract_beside_a_model_are_refused(
    artifacts: Path, tmp_path: Path, model: CompilableModel
) -> None:
    """Rows of this model whose inputs are not the contract's are refused, with what to do."""
    document = json.loads((artifacts / KNOWN_ROWS_FILE).read_bytes())
    document["inputs"].reverse()
    (tmp_path / KNOWN_ROWS_FILE).write_bytes(msgspec.json.encode(document))
    with pytest.raises(Refusal, match=r"known_rows\.json: expected rows of the inputs .*or remove it"):
        read_beside(tmp_path / "penguin_model.json", model)


def test_rows_of_another_model_are_left_aside(artifacts: Path, tmp_path: Path, model: CompilableModel) -> None:
    """Rows that name another model do not get into this one's bundle."""
    shutil.copy(artifacts / KNOWN_ROWS_FILE, tmp_path)
    path = tmp_path / KNOWN_ROWS_FILE
    path.write_bytes(path.read_bytes().replace(Digest.of(model.data).sha256.encode(), b"0" * 64))
    found = read_beside(tmp_path / "penguin_model.json", model)
    assert KNOWN_ROWS_FILE not in found.files
    assert "known_rows.json is left aside" in found.notices[0]


def test_the_option_needs_rows(capsys: pytest.CaptureFixture[str], model_path: Path) -> None:
    """--publish-rows without --rows is a mistake of the command line."""
    with pytest.raises(SystemExit, match="2"):
        main([str(model_path), "--publish-rows"])
    assert "--publish-rows needs --rows" in capsys.readouterr().err
