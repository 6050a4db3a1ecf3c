"""How fast a compiled model answers, beside the other ways to ask the same XGBoost model: python -m benchmarks."""
