"""Directories that hold a model: which file in them to give."""

import shutil
import subprocess
from pathlib import Path

import pytest

from compile.reading.foreign.directories import mlflow_file
from compile.reading.foreign.kinds import foreign, foreign_directory
from tests.compile.reading.foreign.files import MODEL, typed

# As MLflow 3.17 writes it for an XGBClassifier, shortened.
MLFLOW = """flavors:
  python_function:
    data: {data}
    env:
      conda: conda.yaml
    loader_module: mlflow.xgboost
  xgboost:
    code: null
    data: {data}
    model_class: xgboost.sklearn.XGBClassifier
    model_format: xgb
    xgb_version: 3.0.5
mlflow_version: 3.17.2
"""
MLFLOW_SKLEARN = """flavors:
  python_function:
    model_path: model.pkl
  sklearn:
    pickled_model: model.pkl
mlflow_version: 3.17.2
"""
# As Spark 3.5 writes metadata/part-00000 for a model of xgboost.spark 3.0.5, shortened.
SPARK = '{"class":"%s","timestamp":1795624101403,"sparkVersion":"3.5.9","paramMap":{"missing":NaN}}\n'
SPARK_MODEL = SPARK % "xgboost.spark.estimator.SparkXGBClassifierModel"
SPARK_PIPELINE = SPARK % "pyspark.ml.pipeline.PipelineModel"


def told(path: Path) -> str:
    text = foreign_directory(path)
    assert text is not None
    assert text.isprintable()
    return text


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", ["model.xgb", "model.json", "model.ubj", "other/m.bin"])
def test_an_mlflow_model_is_the_file_in_it(tmp_path: Path, name: str) -> None:
    """The model is the file that MLmodel names."""
    written(tmp_path / "MLmodel", MLFLOW.format(data=name))
    written(tmp_path / name, MODEL)
    assert mlflow_file(tmp_path) == tmp_path / name
    assert mlflow_file(tmp_path / name) is None


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "", "gone.xgb"])
def test_a_file_outside_or_missing_is_not_taken(tmp_path: Path, name: str) -> None:
    """The model is a usual file if MLmodel names none that exists in the directory."""
    written(tmp_path / "secret", MODEL)
    directory = tmp_path / "model"
    written(directory / "MLmodel", MLFLOW.format(data=name))
    assert told(directory).startswith("an MLflow model without a file of XGBoost's (its flavors: python_function, xgb")
    written(directory / "model.ubj", MODEL)
    assert mlflow_file(directory) == directory / "model.ubj"


def test_an_mlflow_model_of_scikit_learn_is_told(tmp_path: Path) -> None:
    """A pickled MLflow model gets a line of Python."""
    written(tmp_path / "MLmodel", MLFLOW_SKLEARN)
    assert f"type mlflow.sklearn.load_model('{tmp_path}').get_booster().save_model('model.json')" in told(tmp_path)


def test_a_bundle_is_told(bundle_path: Path) -> None:
    """A bundle gets the advice to serve it or to compile its model."""
    text = told(bundle_path)
    assert text.startswith("a bundle that python -m compile made (version ")
    assert f"BUNDLE={bundle_path} python -m app" in text
    model = Path(text.rpartition("python -m compile ")[2])
    assert foreign(model, model.read_bytes()) is None


def test_a_spark_model_is_told_with_the_line_that_joins_it(tmp_path: Path) -> None:
    """A Spark model gets the line that joins its JSON, also inside a pipeline."""
    for directory, description in (("model", SPARK_MODEL), ("pipeline", SPARK_PIPELINE)):
        written(tmp_path / directory / "metadata/part-00000", description)
    stage = tmp_path / "pipeline/stages/1_SparkXGBClassifier_98"
    written(tmp_path / "pipeline/stages/0_Scaler_9/metadata/part-00000", SPARK % "pyspark.ml.feature.ScalerModel")
    written(stage / "metadata/part-00000", SPARK_MODEL)
    for at, named in ((tmp_path / "model", "model"), (stage, "pipeline")):
        written(at / "model/part-00000", MODEL[:100] + b"\n" + MODEL[100:] + b"\n")
        text = told(tmp_path / named)
        subprocess.run(["sh", "-ec", typed(text)], cwd=tmp_path, check=True)
        assert (tmp_path / f"{at.name}.new.json").read_bytes() == MODEL
    shutil.rmtree(stage)
    assert told(tmp_path / "pipeline").startswith("a Spark model (pyspark.ml.pipeline.PipelineModel); this service")


def test_a_spark_model_of_the_jvm_is_told(tmp_path: Path) -> None:
    """A model of XGBoost4J-Spark is recognised by its own form."""
    description = SPARK % "ml.dmlc.xgboost4j.scala.spark.XGBoostClassificationModel"
    written(tmp_path / "metadata/part-00000", description)
    assert told(tmp_path).endswith('in Scala, where it was made, type model.nativeBooster.saveModel("model.json")')


def test_a_saved_model_of_tensorflow_is_told(tmp_path: Path) -> None:
    """A TensorFlow model is recognised by the name of its file."""
    written(tmp_path / "saved_model.pb", b"\x08\x01")
    assert told(tmp_path).startswith("a SavedModel of TensorFlow")


@pytest.mark.parametrize("name", ["MLmodel", "manifest.json", "metadata/part-00000", "saved_model.pb"])
def test_what_is_no_such_directory_is_not_told(tmp_path: Path, name: str) -> None:
    """Another directory, a file or a damaged description is not recognised as a model."""
    assert foreign_directory(tmp_path) is None
    assert foreign_directory(tmp_path / "missing") is None
    assert foreign_directory(written(tmp_path / "file", MODEL)) is None
    assert foreign_directory(Path("a\0b")) is None
    (tmp_path / name).mkdir(parents=True)
    assert foreign_directory(tmp_path) is None
    (tmp_path / name).rmdir()
    if name in ("manifest.json", "metadata/part-00000"):
        for damaged in (
            b"",
            b"\xff",
            b"{",
            b"[" * 100_000,
            b'{"class":"\x1b[2J","timestamp":1}',
            b'{"format_version":2}',
        ):
            written(tmp_path / name, damaged)
            assert foreign_directory(tmp_path) is None


def test_a_damaged_mlmodel_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    """A damaged MLmodel gets what can be said, and raises nothing."""
    for damaged in (b"\xff\xfe", b"flavors:\n" + b"  \x1b[31m:\n" * 50_000, b"flavors:\n    data: x\n", b"- [}"):
        written(tmp_path / "MLmodel", damaged)
        assert len(told(tmp_path)) < 1000
