"""The HTTP service: it reads a bundle and answers requests. It needs no numpy, xgboost, treelite or scikit-learn."""
