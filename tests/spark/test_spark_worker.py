"""The side of score.spark that runs in a Python worker, in this process."""

from pathlib import Path

import pytest

from bundle.fetch import read_directory
from bundle.refusal import BundleRefusal
from bundle.verify import IN_PLACE
from score.lake.archive import archive_name, write_archive
from tests.spark import birds

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("default")]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make this process find Spark's files in a directory, as a worker finds them."""
    pyspark = pytest.importorskip("pyspark", reason="needs pyspark: make test-spark")
    monkeypatch.setattr(pyspark.SparkFiles, "_root_directory", str(tmp_path), raising=False)
    monkeypatch.setattr(pyspark.SparkFiles, "_is_running_on_worker", True)
    return tmp_path


def test_a_worker_verifies_and_maps_a_bundle_once(files: Path, bundle_path: Path) -> None:
    """The second task of a worker reads no archive, and a bundle that is not there is refused."""
    from score.lake.worker import Shipped, answered

    verified = read_directory(bundle_path, IN_PLACE)
    shipped, names = Shipped(verified.digest, "", False), birds.table(1).column_names
    archive = files / archive_name(verified.digest)
    write_archive(archive, verified)
    given = birds.table(100).to_batches()
    first = [*answered(given, shipped, names, ["id"])]
    archive.unlink()
    assert [*answered(given, shipped, names, ["id"])] == first
    with pytest.raises(BundleRefusal, match="No such file"):
        next(answered(given, Shipped("0" * 64, "", False), names, ["id"]))


def test_a_worker_adds_p_values_if_asked(files: Path, bundle_path: Path) -> None:
    """With p-values, batches have one more column for each species before the reason, and the same others."""
    from score.lake.worker import Shipped, answered

    verified = read_directory(bundle_path, IN_PLACE)
    write_archive(files / archive_name(verified.digest), verified)
    given, shipped = birds.table(50).to_batches(), Shipped(verified.digest, "", False)
    names = birds.table(1).column_names
    (plain,) = answered(given, shipped, names, [])
    (asked,) = answered(given, shipped, names, [], p_values=True)
    added = ["p_value_Gentoo", "p_value_Chinstrap", "p_value_Adelie"]
    assert asked.schema.names == [*plain.schema.names[:-1], *added, "reason"]
    assert asked.select(plain.schema.names).to_pylist() == plain.to_pylist()


def test_a_worker_takes_batches_of_any_size(files: Path, bundle_path: Path) -> None:
    """Batches without rows, of one row and of many give the same answers as the whole."""
    from score.lake.worker import Shipped, answered

    verified = read_directory(bundle_path, IN_PLACE)
    write_archive(files / archive_name(verified.digest), verified)
    whole = birds.table(300).combine_chunks().to_batches()[0]
    pieces = [whole.slice(0, 0), whole.slice(0, 1), whole.slice(1, 200), whole.slice(201, 0), whole.slice(201)]
    shipped = Shipped(verified.digest, "", False)
    found = [row for batch in answered(pieces, shipped, whole.schema.names, None) for row in batch.to_pylist()]
    assert found == birds.on_one_machine(birds.table(300), bundle_path).to_pylist()
