"""Directories that contain a model: those of MLflow, Spark and TensorFlow, and the bundles of this project.

The model of XGBoost in a directory of MLflow is found. What the others are is said.
"""

from itertools import islice
from pathlib import Path, PurePosixPath

import msgspec

from compile.reading.foreign.documents import SPARK_DESCRIPTION
from compile.reading.foreign.sample import ONLY_XGBOOST, SAVE_BOOSTER, Sample, for_shell, printable_start
from contract.manifest import MANIFEST_FILE, MODEL_FILE

LARGEST = 1 << 20  # bytes of a description that are read
STAGES = 100  # how many stages of a Spark pipeline are looked at
MLFLOW_FILE = "MLmodel"
MLFLOW_MODELS = ("model.xgb", "model.json", "model.ubj")  # what mlflow.xgboost calls it, by its format
FLAVORS_SHOWN = 5
SPARK_FILE = "metadata/part-00000"
SPARK_PYTHON = "xgboost.spark."
SPARK_JVM = "ml.dmlc.xgboost4j."
TENSORFLOW_FILES = ("saved_model.pb", "saved_model.pbtxt")


class _Manifest(msgspec.Struct):
    """The fields of a bundle's manifest that every format version has."""

    format_version: int
    bundle_version: str


def directory(path: Path) -> str | None:
    """Return what the directory is, from the file that describes it, or None."""
    return _mlflow(path) or _bundle(path) or _spark(path) or _tensorflow(path)


def _mlflow(path: Path) -> str | None:
    description = read_start(path / MLFLOW_FILE).decode("utf-8", "replace")
    if not description:
        return None
    flavors = mlflow_flavors(description)
    if "sklearn" in flavors:
        load = f"mlflow.sklearn.load_model({str(path)!r}).get_booster().save_model('model.json')"
        return f"an MLflow model of scikit-learn; if it is one of XGBoost: in Python, where it was made, type {load}"
    own = ", ".join(printable_start(name) for name in islice(flavors, FLAVORS_SHOWN)) or "none"
    return f"an MLflow model without a file of XGBoost's (its flavors: {own}); {ONLY_XGBOOST}"


def mlflow_file(path: Path) -> Path | None:
    """Return the file of XGBoost's in a directory of MLflow, or None if it is no such directory."""
    description = read_start(path / MLFLOW_FILE).decode("utf-8", "replace")
    if not description:
        return None
    named = (mlflow_flavors(description).get("xgboost", {}).get("data", ""), *MLFLOW_MODELS)
    return next((path / name for name in named if _is_inside(name) and _is_file(path / name)), None)


def mlflow_flavors(description: str) -> dict[str, dict[str, str]]:
    """Return the flavors and their plain values from an MLmodel file: YAML with MLflow's indentation."""
    flavors: dict[str, dict[str, str]] = {}
    inside = False
    for line in description.splitlines():
        name, colon, value = line.strip().partition(":")
        indent = len(line) - len(line.lstrip(" "))
        if indent == 0:
            inside = line.startswith("flavors:")
        elif inside and colon and indent == 2:
            flavors[name] = {}
        elif inside and colon and indent == 4 and flavors:
            flavors[next(reversed(flavors))][name] = value.strip(" '\"")
    return flavors


def _bundle(path: Path) -> str | None:
    try:
        manifest = msgspec.json.decode(read_start(path / MANIFEST_FILE), type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    served = f"to serve it, type: BUNDLE={for_shell(path)} python -m app"
    model = path / MODEL_FILE
    again = f"; to compile it again: python -m compile {for_shell(model)}" if _is_file(model) else ""
    return f"a bundle that python -m compile made (version {printable_start(manifest.bundle_version)}); {served}{again}"


def _spark(path: Path) -> str | None:
    name = spark_class(path)
    if name is None:
        return None
    if name.startswith(SPARK_PYTHON):
        return f"a Spark model ({printable_start(name)}); {_joined(path)}"
    if name.startswith(SPARK_JVM):
        line = 'model.nativeBooster.saveModel("model.json")'
        return f"a Spark model ({printable_start(name)}); in Scala, where it was made, type {line}"
    stage = next((stage for stage in _stages(path) if (spark_class(stage) or "").startswith(SPARK_PYTHON)), None)
    if stage is not None:
        return f"a Spark pipeline with a model of XGBoost in it, which alone can be compiled; {_joined(stage)}"
    return f"a Spark model ({printable_start(name)}); {ONLY_XGBOOST}"


def _joined(path: Path) -> str:
    """Return the command that joins the lines into which Spark cuts the JSON, at every 4 MiB."""
    fresh = Sample.of(path, b"").fresh()
    return f"type: cat {for_shell(path / 'model')}/part-* | tr -d '\\n' > {fresh} && python -m compile {fresh}"


def spark_class(path: Path) -> str | None:
    """Return the class of a Spark model or pipeline, or None.

    Its description is JSON that contains NaN, which JSON does not allow.
    """
    found = SPARK_DESCRIPTION.match(read_start(path / SPARK_FILE))
    return found[1].decode() if found else None


def _stages(path: Path) -> list[Path]:
    try:
        return sorted(islice((path / "stages").iterdir(), STAGES))
    except (OSError, ValueError):
        return []


def _tensorflow(path: Path) -> str | None:
    if not any(_is_file(path / name) for name in TENSORFLOW_FILES):
        return None
    return f"a SavedModel of TensorFlow; {ONLY_XGBOOST}; if it was made from a model of XGBoost: {SAVE_BOOSTER}"


def read_start(path: Path) -> bytes:
    """Return the beginning of a file, or nothing if it cannot be read."""
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            return b""
        with path.open("rb") as file:
            return file.read(LARGEST)
    except (OSError, ValueError):
        return b""


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_inside(name: str) -> bool:
    """Return whether the name is of something inside the directory."""
    return bool(name) and name.isprintable() and not PurePosixPath(name).is_absolute() and ".." not in name.split("/")
