"""What a file is if it is no XGBoost model: recognised from its bytes, without running anything in it."""
