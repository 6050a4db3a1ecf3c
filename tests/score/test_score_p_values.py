"""P-values of many rows: as Arrow and in files of every form, the same numbers, only if they are asked for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from contract.refusal import Refusal
from score.arrow import score
from score.bundle import Bundle
from score.files.job import Options
from score.judged import PValues
from tests.support.apples import APPLE, Compiled
from tests.support.scoring import answered, scored, season

COLUMNS = ["p_value_Gentoo", "p_value_Chinstrap", "p_value_Adelie"]
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a file of each form."""
    return season(tmp_path_factory.mktemp("season"), rows=400, groups=2)


def expected(bundle: Bundle, row: dict[str, Any]) -> list[float | None]:
    """Return the p-values of an answered row, from its probabilities."""
    if row["reason"] is not None:
        return [None] * 3
    found = PValues.by(bundle.uncertainty)
    assert found is not None
    shares = {name: row[f"probability_{name}"] for name in bundle.contract.output.classes}
    return [*found.of(shares).values()]


def test_batches_of_arrow_have_them(bundle: Bundle, files: Path) -> None:
    """The columns are float64, follow from the probabilities, and are null where there is a reason."""
    batch = pq.read_table(files / "birds.parquet").combine_chunks().to_batches()[0]
    found, plain = score(batch, bundle, p_values=True), score(batch, bundle)
    assert found.schema.names == [*plain.schema.names[:-1], *COLUMNS, "reason"]
    assert found.select(plain.schema.names).to_pylist() == plain.to_pylist()
    assert [found.schema.field(name).type for name in COLUMNS] == [pa.float64()] * 3
    rows = found.to_pylist()
    assert [[row[name] for name in COLUMNS] for row in rows] == [expected(bundle, row) for row in rows]
    assert 0 < found.column(COLUMNS[0]).null_count < len(rows)


READERS: dict[str, Callable[[Path], Rows]] = {
    "birds.parquet": lambda path: pq.read_table(path).to_pylist(),
    "birds.csv": lambda path: pa.csv.read_csv(
        path, convert_options=pa.csv.ConvertOptions(strings_can_be_null=True)
    ).to_pylist(),
    "more/birds.ndjson": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
    "more/birds.arrow": lambda path: pa.ipc.open_file(path).read_all().to_pylist(),
}


@pytest.mark.parametrize("name", READERS)
def test_files_of_every_form_have_them(bundle: Bundle, files: Path, tmp_path: Path, name: str) -> None:
    """A file of each form comes back with the p-values of its rows, to the last bit."""
    records = answered(files / name, tmp_path, bundle, Options(p_values=True))
    rows = [row for record in records for output in record.outputs for row in READERS[name](tmp_path / output.name)]
    assert len(rows) >= 100
    for row in rows:
        assert [row[column] for column in COLUMNS] == [
            None if each is None else pytest.approx(each, rel=1e-15) for each in expected(bundle, row)
        ]


def test_a_bundle_without_them_is_refused(apples: Callable[[str], Compiled], files: Path, tmp_path: Path) -> None:
    """Neither a batch nor a job begins if the bundle has nothing to make p-values from: one sentence says so."""
    apple = apples("classes")
    batch = pa.RecordBatch.from_pylist([APPLE])
    assert score(batch, apple.load()).num_rows == 1
    with pytest.raises(Refusal, match=r"p_values: expected a bundle with held-out rows .* \(python -m compile MODEL"):
        score(batch, apple.load(), p_values=True)
    result = scored(apple.bundle_path, files, "--out", tmp_path / "out", "--p-values")
    assert result.returncode == 2
    assert "p_values: expected a bundle with held-out rows" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_job_of_an_earlier_version_goes_on(bundle_path: Path, files: Path, tmp_path: Path) -> None:
    """A plan that does not know the option is one without p-values; with them it is another job."""
    source, out = files / "birds.csv", tmp_path / "out"
    assert scored(bundle_path, source, "--out", out).returncode == 0
    plan = json.loads((out / "_plan.json").read_text())
    assert plan["options"].pop("p_values") is False
    (out / "_plan.json").write_text(json.dumps(plan))
    assert scored(bundle_path, source, "--out", out).returncode == 0
    result = scored(bundle_path, source, "--out", out, "--p-values")
    assert result.returncode == 2
    assert "expected --p-values False, with which this place was begun; found True" in result.stderr
