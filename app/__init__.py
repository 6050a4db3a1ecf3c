"""bundle -> HTTP answers. Starts without numpy, xgboost, treelite or scikit-learn."""
