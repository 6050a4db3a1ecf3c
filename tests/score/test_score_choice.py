"""Which answers come back: in batches, in files of every form, and in jobs that go on."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from contract.refusal import Refusal
from score.arrow import score
from score.bundle import Bundle
from score.files.job import Options
from tests.support.scoring import answered, birds, scored

CHOSEN = ("distance", "species")


def test_chosen_answers_are_those_of_all(bundle: Bundle) -> None:
    """They come in the order in which they are asked for, as they come with the others, and the reason is the last."""
    batch = birds(200).combine_chunks().to_batches()[0]
    found, whole = score(batch, bundle, ["id"], answers=CHOSEN), score(batch, bundle)
    assert found.schema.names == ["id", *CHOSEN, "reason"]
    assert found.to_pylist() == whole.select(found.schema.names).to_pylist()
    assert score(batch, bundle, [], answers=[]).schema.names == ["reason"]
    some = score(batch, bundle, [], answers=["p_value_Adelie"], p_values=True)
    assert some.to_pylist() == score(batch, bundle, p_values=True).select(["p_value_Adelie", "reason"]).to_pylist()


def test_an_answer_that_there_is_not_is_refused(bundle: Bundle) -> None:
    """The refusal lists the answers that there are, and says how to get p-values."""
    batch = birds(2).combine_chunks().to_batches()[0]
    with pytest.raises(Refusal, match=r"expected answers among prediction, species, .*; found sex$"):
        score(batch, bundle, answers=["species", "sex"])
    with pytest.raises(Refusal, match="for p-values, type --p-values, too"):
        score(batch, bundle, answers=["p_value_Adelie"])


def test_files_have_the_chosen_answers(bundle: Bundle, tmp_path: Path) -> None:
    """A file of each form comes back with its own columns, the chosen answers and the reason."""
    table = birds(60)
    pq.write_table(table, tmp_path / "birds.parquet")
    pa.csv.write_csv(table, tmp_path / "birds.csv")
    (tmp_path / "birds.ndjson").write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    options, names = Options(keep=("id",), answers=CHOSEN), ["id", *CHOSEN, "reason"]
    for form in ("parquet", "csv", "ndjson"):
        answered(tmp_path / f"birds.{form}", tmp_path / "out", bundle, options)
    assert pq.read_table(tmp_path / "out" / "birds.parquet").column_names == names
    assert (tmp_path / "out" / "birds.csv").read_text().partition("\n")[0] == ",".join(names)
    assert [*json.loads((tmp_path / "out" / "birds.ndjson").read_text().partition("\n")[0])] == names


def test_the_chosen_answers_are_an_option_of_the_job(bundle_path: Path, tmp_path: Path) -> None:
    """A wrong name is refused before a file is read. A job that was begun with other answers does not go on."""
    pq.write_table(birds(20), tmp_path / "birds.parquet")
    source, out = tmp_path / "birds.parquet", tmp_path / "out"
    wrong = scored(bundle_path, source, "--out", out, "--answers", "specis")
    assert (wrong.returncode, out.exists()) == (2, False)
    assert "found specis" in wrong.stderr
    assert scored(bundle_path, source, "--out", out, "--answers", "species").returncode == 0
    assert scored(bundle_path, source, "--out", out, "--answers", "species").returncode == 0
    other = scored(bundle_path, source, "--out", out)
    assert other.returncode == 2
    assert "expected --answers ('species',), with which this place was begun; found None" in other.stderr
