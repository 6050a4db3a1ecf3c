"""Ways to answer a DataFrame of birds. Each takes it and returns one with `id` and its answers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.spark.birds import ARTIFACTS
from train.contract import CONTRACT

Contender = Callable[[Any], Any]
BUNDLE, MODEL = ARTIFACTS / "bundle", ARTIFACTS / "penguin_model.json"
READ, IDENTITY, OURS = "reading alone", "mapInArrow, identity", "ours: score.spark"
XGBOOST_SPARK, PANDAS_UDF = "xgboost.spark", "pandas_udf with Booster"
INPUTS = CONTRACT.input_names


def contenders() -> dict[str, Contender]:
    """Return all of them by name, made for the penguins' model."""
    return {
        READ: lambda birds: birds,
        IDENTITY: lambda birds: birds.mapInArrow(lambda batches: batches, birds.schema),
        OURS: _ours,
        XGBOOST_SPARK: xgboost_spark(MODEL),
        PANDAS_UDF: pandas_udf_with_booster(MODEL),
    }


def _ours(birds: Any) -> Any:
    from score.spark import score

    return score(birds, BUNDLE, keep=["id"], allow_unsigned=True)


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
    import numpy as np
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
