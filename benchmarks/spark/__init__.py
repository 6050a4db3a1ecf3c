"""What Spark takes to answer many birds: score.spark beside xgboost.spark and a pandas_udf (make spark-bench)."""
