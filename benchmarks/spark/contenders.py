"""Ways to answer a DataFrame of birds. Each takes it and returns one with `id` and its answers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.spark.birds import ARTIFACTS
from contract.refusal import Refusal
from train.contract import CONTRACT

Contender = Callable[[Any], Any]
BUNDLE, MODEL = ARTIFACTS / "bundle", ARTIFACTS / "penguin_model.json"
READ, IDENTITY, CARRY = "reading alone", "mapInArrow, identity", "our answers, made once and repeated"
OURS, PROBABILITIES = "ours: score.spark", "ours, probabilities alone, as the others answer"
XGBOOST_SPARK, PANDAS_UDF = "xgboost.spark", "pandas_udf with Booster"
OWN = (READ, IDENTITY, CARRY, OURS, PROBABILITIES)
NAMES = (*OWN, XGBOOST_SPARK, PANDAS_UDF)
INPUTS = CONTRACT.input_names
NAMED = [f"probability_{name}" for name in CONTRACT.output.classes]


def contenders() -> dict[str, Contender]:
    """Return all of them by name, made for the penguins' model."""
    return {
        READ: lambda birds: birds,
        IDENTITY: lambda birds: birds.mapInArrow(lambda batches: batches, birds.schema),
        CARRY: _carry,
        OURS: _ours,
        PROBABILITIES: lambda birds: _ours(birds, answers=NAMED),
        XGBOOST_SPARK: xgboost_spark(MODEL),
        PANDAS_UDF: pandas_udf_with_booster(MODEL),
    }


def _ours(birds: Any, answers: list[str] | None = None) -> Any:
    from score.spark import score

    return score(birds, BUNDLE, keep=["id"], answers=answers, allow_unsigned=True)


def _carry(birds: Any) -> Any:
    """Return columns like our answers, made once a task without a model: what Spark takes to carry them."""
    schema = _ours(birds).schema
    row = _ours(birds.limit(1)).toArrow().to_batches()[0]

    def repeat(batches: Iterator[Any]) -> Iterator[Any]:
        made = row.slice(0, 0)
        for batch in batches:
            if made.num_rows < batch.num_rows:
                made = row.take(pa.array([0] * batch.num_rows, pa.int32()))
            yield made.slice(0, batch.num_rows)

    return birds.mapInArrow(repeat, schema)


def xgboost_spark(path: Path) -> Contender:
    """Return the transform of XGBoost's own integration. Spark computes the ratios, in float32."""
    from pyspark.sql import functions
    from xgboost import XGBClassifier
    from xgboost.spark import SparkXGBClassifier

    trained = XGBClassifier(n_jobs=1)
    trained.load_model(path)
    names = [f"f{number}" for number in range(len(CONTRACT.features))]
    estimator = SparkXGBClassifier(features_col=names)
    # What `fit` does after training; the model is the same file for all contenders.
    model = estimator._copyValues(estimator._create_pyspark_model(trained, None))

    def transform(birds: Any) -> Any:
        inputs = {name: functions.col(name).cast("float") for name in INPUTS}
        features = [column.cast("float") for column in CONTRACT.derive(inputs)]
        named = [column.alias(name) for column, name in zip(features, names, strict=True)]
        return model.transform(birds.select("id", *named)).select("id", "prediction", "probability")

    return transform


def pandas_udf_with_booster(path: Path) -> Contender:
    """Return what a careful user writes: an iterator, a Booster for each worker, a column for each class."""
    import pandas as pd
    from pyspark.sql.functions import pandas_udf

    raw, classes = path.read_bytes(), CONTRACT.output.classes
    derive, inputs = CONTRACT.derive, INPUTS

    def predict(parts: Iterator[tuple[pd.Series, ...]]) -> Iterator[pd.DataFrame]:
        import xgboost

        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(raw))
        for columns in parts:
            floats = {name: column.to_numpy(np.float32) for name, column in zip(inputs, columns, strict=True)}
            features = np.column_stack(derive(floats))
            yield pd.DataFrame(booster.inplace_predict(features, validate_features=False), columns=classes)

    udf = pandas_udf(predict, ", ".join(f"{name} float" for name in classes))
    return lambda birds: birds.select("id", udf(*INPUTS).alias("probabilities")).select("id", "probabilities.*")


def agree(ways: dict[str, Contender], few: Any) -> None:
    """Raise Refusal unless all contenders that have a model give the same probabilities."""
    ours = _sorted(ways[PROBABILITIES](few).select("id", *NAMED))
    booster = _sorted(ways[PANDAS_UDF](few))
    spark = [(row[0], *row["probability"].toArray()) for row in ways[XGBOOST_SPARK](few).orderBy("id").collect()]
    if ours != booster or not np.allclose(ours, spark, rtol=0, atol=1e-6):
        raise Refusal("expected the same answers from all; compile the model again: make compile")


def _sorted(answers: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in answers.orderBy("id").collect()]
