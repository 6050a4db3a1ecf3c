"""score.spark on a cluster: Parquet to Parquet, by spark-submit, through deaths, and as a stream."""

import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from tests.spark import birds
from tests.spark.cluster import HANG_SECONDS, Cluster, submit
from tests.support.commands import ROOT
from train.contract import CONTRACT

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("default")]

MANY_ROWS = ROOT / "docs" / "many-rows.md"


def test_spark_submit_answers_files_as_one_machine_does(
    cluster: Cluster, code: Path, bundle_path: Path, tmp_path: Path
) -> None:
    """The job of the document gives the answers of one machine and of XGBoost, bit for bit.

    Driver and workers have our code only from the zip.
    """
    rows = birds.write(tmp_path / "birds", files=3, rows=700)
    section = MANY_ROWS.read_text().partition("## A lake, on Spark")[2]
    (job,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (tmp_path / "job.py").write_text(job)
    ran = submit(cluster, code, tmp_path / "job.py", tmp_path / "birds", bundle_path, tmp_path / "scored")
    assert ran.returncode == 0, ran.stderr
    scored = birds.read(tmp_path / "scored")
    expected = birds.on_one_machine(rows, bundle_path)
    kept = ["id", *expected.column_names[len(rows.column_names) :]]
    assert birds.same_bits(scored, expected.select(kept))
    assert_xgboost_agrees(rows, scored, bundle_path / "model.json")


def assert_xgboost_agrees(rows: pa.Table, scored: pa.Table, model: Path) -> None:
    """Compare the probabilities of all rows that have some with a Booster's."""
    answered = scored["prediction"].is_valid().to_numpy(zero_copy_only=False)
    assert 0 < answered.sum() < len(answered)
    inputs = {name: rows[name].to_numpy()[answered].astype(np.float32) for name in CONTRACT.input_names}
    features = np.column_stack(CONTRACT.derive(inputs)).astype(np.float32)
    booster = xgboost.Booster(model_file=model)
    probabilities = booster.inplace_predict(features, validate_features=False)
    names = [name for name in scored.column_names if name.startswith("probability_")]
    found = np.column_stack([scored[name].to_numpy()[answered] for name in names]).astype(np.float32)
    assert np.array_equal(found, probabilities)


def test_a_death_in_the_middle_loses_no_row(cluster: Cluster, spark: Any, bundle_path: Path, tmp_path: Path) -> None:
    """An executor and a whole worker are killed while tasks run: each row is there once, with its answer."""
    from score.spark import score

    rows = birds.write(tmp_path / "birds", files=6, rows=700)
    reached, gate = tmp_path / "reached", tmp_path / "gate"
    reached.mkdir()
    given = spark.read.parquet(str(tmp_path / "birds"))
    held = given.repartition(6, "id").mapInArrow(holding(reached, gate), given.schema)
    failures: list[BaseException] = []

    def job() -> None:
        try:
            score(held, bundle_path, allow_unsigned=True).write.parquet(str(tmp_path / "scored"))
        except BaseException as error:  # noqa: BLE001  # shown by the assertion below
            failures.append(error)

    running = threading.Thread(target=job)
    running.start()
    wait_until(lambda: len(list(reached.iterdir())) >= 3 or failures)  # one is answered, two are held
    executors = [pid for worker in cluster.workers for pid in worker.executors]
    assert len(executors) == 2, failures
    survivor, doomed = cluster.workers[-2:]
    os.kill(survivor.executors[0], signal.SIGKILL)
    doomed.kill()
    gate.touch()
    running.join(HANG_SECONDS)
    cluster.add_worker()
    assert not running.is_alive()
    assert not failures, failures
    begun = [path.name.partition("-")[0] for path in reached.iterdir()]
    assert len(begun) > len(set(begun))  # some task was begun again
    assert birds.same_bits(birds.read(tmp_path / "scored"), birds.on_one_machine(rows, bundle_path))


def holding(reached: Path, gate: Path) -> Any:
    """Return what passes batches on. The first task of all does so at once, others wait for the gate."""

    def hold(batches: Any) -> Any:
        import os
        import time

        from pyspark import TaskContext

        task = TaskContext.get()
        first = task.partitionId() == 0
        (reached / f"{task.partitionId()}-{task.attemptNumber()}-{os.getpid()}").touch()
        while not (first or gate.exists()):
            time.sleep(0.02)
        yield from batches

    return hold


def wait_until(said: Any) -> None:
    end = time.monotonic() + HANG_SECONDS
    while not said():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_directory_is_a_stream(spark: Any, bundle_path: Path, tmp_path: Path) -> None:
    """New files of a directory are answered once, in two runs that share a checkpoint."""
    from score.spark import score

    rows = birds.write(tmp_path / "birds", files=1, rows=300)
    schema = spark.read.parquet(str(tmp_path / "birds")).schema
    for files in (1, 3):
        rows = birds.write(tmp_path / "birds", files=files, rows=300)
        given = spark.readStream.schema(schema).parquet(str(tmp_path / "birds"))
        stream = score(given, bundle_path, allow_unsigned=True)
        writer = stream.writeStream.format("parquet").option("checkpointLocation", str(tmp_path / "checkpoint"))
        query = writer.trigger(availableNow=True).start(str(tmp_path / "scored"))
        assert query.awaitTermination(HANG_SECONDS)
    scored = spark.read.parquet(str(tmp_path / "scored")).toArrow().sort_by("id")
    assert birds.same_bits(scored, birds.on_one_machine(rows, bundle_path))


def test_the_service_s_environment_has_no_spark() -> None:
    """Spark is in no lock but its own."""
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert ("pyspark==" in lock.read_text()) == (lock.name == "spark.txt"), lock
