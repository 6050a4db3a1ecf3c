"""What score.spark refuses, where, and in which words; and what it takes."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bundle.fetch import read_directory
from bundle.refusal import BundleRefusal
from bundle.verify import Trust
from contract.refusal import Refusal
from tests.spark import birds
from tests.spark.releases import drop_signatures, release, rewrite, spoil_library
from tests.support.bundles import new_key
from tests.support.commands import EXAMPLE

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("default")]


@pytest.fixture
def frame(spark: Any) -> Any:
    """Give a few birds in two partitions."""
    return spark.createDataFrame(birds.table(200)).repartition(2)


def test_a_signed_release_is_verified_everywhere(
    frame: Any, bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TRUSTED_KEYS a signed bundle is taken, and another key's or an unsigned one is refused on the driver."""
    from score.spark import score

    key = new_key()
    monkeypatch.setenv("TRUSTED_KEYS", str(key.public))
    signed = release(bundle_path, tmp_path / "signed", "signed", key)
    answers = score(frame, signed).toArrow().sort_by("id")
    assert birds.same_bits(answers, birds.on_one_machine(birds.table(200), bundle_path))
    for other in (bundle_path, release(bundle_path, tmp_path / "other", "other", new_key())):
        with pytest.raises(BundleRefusal, match="no signature by a trusted key"):
            score(frame, other)


@pytest.mark.parametrize(
    ("change", "words"),
    [(spoil_library, "of SHA-256"), (drop_signatures, "no signature by a trusted key")],
    ids=["library", "signature"],
)
def test_a_bundle_that_fails_on_an_executor_fails_the_job(  # every argument is a fixture or a case
    frame: Any,
    bundle_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, bytes]], None],
    words: str,
) -> None:
    """A bundle that is changed on its way never runs, and the driver's error has our sentence."""
    from score.spark import score

    key = new_key()
    monkeypatch.setenv("TRUSTED_KEYS", str(key.public))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    signed = release(bundle_path, tmp_path / "signed", change.__name__, key)
    answers = score(frame, signed)
    digest = read_directory(signed, Trust((key.public,))).digest
    (archive,) = tmp_path.glob(f"score-*/model-{digest}.zip")
    rewrite(archive, change)
    with pytest.raises(Exception, match=words) as failed:
        answers.collect()
    assert "BundleRefusal" in str(failed.value)
    assert "start the job again" in str(failed.value) or "sign it" in str(failed.value)


def test_columns_are_refused_before_a_row_is_read(frame: Any, bundle_path: Path) -> None:
    """A misspelt column, one of a wrong type and an unknown one to keep are refused when score is called."""
    from score.spark import score

    cases = [
        (frame.withColumnRenamed("bill_length_mm", "bill_lenght_mm"), None, "did you mean bill_length_mm?"),
        (frame.drop("body_mass_g"), None, "expected a column body_mass_g, found none"),
        (frame.withColumn("body_mass_g", frame["id"].cast("timestamp")), None, "column body_mass_g"),
        (frame, ["id", "nest"], "found nest"),
        (frame.select("*", frame["body_mass_g"]), ["id"], "2 times"),
    ]
    for given, keep, words in cases:
        with pytest.raises(Refusal) as refused:
            score(given, bundle_path, keep, allow_unsigned=True)
        assert words in str(refused.value)


def test_columns_of_all_types_come_back(spark: Any, bundle_path: Path) -> None:
    """Inputs may be decimals, integers and text. Kept columns stay what they are, also those with an answer's name."""
    from pyspark.sql import functions

    from score.spark import score

    when = datetime(2026, 11, 23, 12, tzinfo=UTC)
    kept: dict[str, Any] = {"a.b`c": "dotted", "prediction": 7, "when": when, "list": [1, 2], "nested": {"x": 1}}
    row: dict[str, Any] = {
        **kept,
        "bill_length_mm": "39.1",
        "bill_depth_mm": Decimal("18.70"),
        "flipper_length_mm": 181,
        "body_mass_g": 3750.0,
    }
    given = spark.createDataFrame([row, {**row, "body_mass_g": None, "bill_length_mm": "long"}])
    given = given.withColumn("flipper_length_mm", functions.col("flipper_length_mm").cast("short"))
    found = score(given, bundle_path, keep=list(kept), allow_unsigned=True)
    assert found.schema.fields[: len(kept)] == [given.schema[name] for name in kept]
    first, second = (answer.asDict(recursive=True) for answer in found.collect())
    assert {name: first[name] for name in ("a.b`c", "prediction", "list", "nested")} == {
        name: kept[name] for name in ("a.b`c", "prediction", "list", "nested")
    }
    bird = pa.table({"id": [1], **{name: [float(value)] for name, value in EXAMPLE.items()}})
    expected = birds.on_one_machine(bird, bundle_path)
    assert first["predicted_prediction"] == expected["prediction"][0].as_py()
    assert first["probability_Adelie"] == expected["probability_Adelie"][0].as_py()
    assert second["predicted_prediction"] is None
    assert "body_mass_g" in second["reason"]
    assert "bill_length_mm" in second["reason"]


def test_partitions_without_rows_are_fine(frame: Any, bundle_path: Path) -> None:
    """More partitions than rows, and no rows at all, give what is there."""
    from score.spark import score

    assert score(frame.limit(3).repartition(8), bundle_path, allow_unsigned=True).count() == 3
    assert score(frame.limit(0), bundle_path, allow_unsigned=True).toArrow().num_rows == 0


def test_an_executor_without_our_code_says_what_it_needs(frame: Any) -> None:
    """Where the zip is not there, or a package, the driver's error names the module and the command."""
    from score.answers import Choice
    from score.spark import _mapper

    mapper = _mapper(("0" * 64, "", False), [], Choice())

    def without(batches: Any) -> Any:
        import sys

        for name in [name for name in sys.modules if name.partition(".")[0] == "score"]:
            del sys.modules[name]
        sys.path = [path for path in sys.path if not path.endswith("score-spark.zip")]
        return mapper(batches)

    with pytest.raises(Exception, match="make spark-zip"):
        frame.mapInArrow(without, frame.schema).collect()
