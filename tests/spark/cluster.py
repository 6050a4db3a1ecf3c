"""Spark's standalone cluster as processes on 127.0.0.1: a master, workers of one core, and their executors."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HANG_SECONDS = 200  # bounds a hang: a busy machine may take its time
LISTENS = re.compile(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
REGISTERED = "Successfully registered with master"
HEAP = "512m"
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # of each Java process, all of which live for a minute
EXECUTOR = "CoarseGrainedExecutorBackend"


def needed() -> None:
    """Skip the test if a program is not here."""
    if not shutil.which("java"):
        pytest.skip("needs Java 17: apt install openjdk-17-jre-headless")
    pytest.importorskip("pyspark", reason="needs pyspark: make test-spark")


def sparks_own() -> dict[str, str]:
    """Return the environment variables by which Spark stays on this machine, with this Python."""
    import pyspark

    home = str(Path(pyspark.__file__).parent)
    own = {"SPARK_HOME": home, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    return {**own, "SPARK_DAEMON_MEMORY": HEAP, "PYTHONWARNINGS": "default", "JDK_JAVA_OPTIONS": QUICK_START}


def environment() -> dict[str, str]:
    """Return what Spark's processes need. Nothing leads them to this repository."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | sparks_own()


class Node:
    """A master or a worker: a process group of its own, and its log."""

    def __init__(self, name: str, directory: Path, *arguments: str) -> None:
        self.log = directory / f"{name}.log"
        spark_class = Path(environment()["SPARK_HOME"]) / "bin" / "spark-class"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [spark_class, f"org.apache.spark.deploy.{arguments[0]}", "--host", "127.0.0.1", *arguments[1:]],
                env=environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=directory,
            )

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Return the first match in the log. Fails if the process ends or says nothing."""
        end = time.monotonic() + HANG_SECONDS
        while time.monotonic() < end:
            if found := re.search(pattern, self.log.read_text(encoding="utf-8", errors="replace")):
                return found
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text(encoding="utf-8", errors="replace"))

    @property
    def executors(self) -> list[int]:
        """Return the executors that this worker has started and that still run."""
        return [pid for pid in descendants(self.process.pid) if EXECUTOR in command_of(pid)]

    def kill(self) -> None:
        """Kill the process and all that it started, at once, as a power cut does."""
        for pid in [*descendants(self.process.pid), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def command_of(pid: int) -> str:
    """Return the command line of a process, empty if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " ")
    return ""


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and theirs."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [child, *descendants(child)]
    return found


class Cluster:
    """A running master and its workers."""

    def __init__(self, directory: Path, workers: int = 2) -> None:
        self.directory = directory
        self.master = Node("master", directory, "master.Master", "--port", "0", "--webui-port", "0")
        self.workers: list[Node] = []
        try:
            self.url = self.master.wait_for(LISTENS.pattern)[1]
            for _ in range(workers):
                self.add_worker()
        except BaseException:
            self.stop()
            raise

    def add_worker(self) -> Node:
        """Start one more worker, with one core, and return it when the master knows it."""
        number = len(self.workers)
        place = self.directory / f"work-{number}"
        place.mkdir()
        options = ("--port", "0", "--webui-port", "0", "--cores", "1", "--memory", "1g", "--work-dir", str(place))
        worker = Node(f"worker-{number}", self.directory, "worker.Worker", *options, self.url)
        self.workers.append(worker)
        worker.wait_for(REGISTERED)
        return worker

    def stop(self) -> None:
        """Kill everything."""
        for node in (*self.workers, self.master):
            node.kill()


@contextlib.contextmanager
def running_cluster(directory: Path) -> Iterator[Cluster]:
    """Run a cluster of two workers within the `with` block."""
    cluster = Cluster(directory)
    try:
        yield cluster
    finally:
        cluster.stop()


@contextlib.contextmanager
def session(cluster: Cluster, archive: Path, **options: str) -> Iterator[Any]:
    """Give a SparkSession of the cluster, whose executors have our code only from `archive`."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.executor.memory": HEAP,
        "spark.sql.warehouse.dir": str(cluster.directory / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        **options,
    }
    builder = SparkSession.builder.master(cluster.url).appName("tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    try:
        made.sparkContext.addPyFile(str(archive))
        yield made
    finally:
        made.stop()


def submit(cluster: Cluster, archive: Path, script: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run spark-submit from an empty directory, as docs/many-rows.md says."""
    empty = cluster.directory / "empty"
    empty.mkdir(exist_ok=True)
    options = [f"spark.{name}=127.0.0.1" for name in ("driver.host", "driver.bindAddress")]
    options += [f"spark.executor.memory={HEAP}", "spark.ui.enabled=false"]
    return subprocess.run(
        [
            Path(environment()["SPARK_HOME"]) / "bin" / "spark-submit",
            *("--master", cluster.url, "--py-files", archive),
            *(word for option in options for word in ("--conf", option)),
            *(script, *arguments),
        ],
        cwd=empty,
        env={**environment(), "ALLOW_UNSIGNED_BUNDLES": "1"},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
