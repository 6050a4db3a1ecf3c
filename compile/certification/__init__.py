"""The proof that a library answers as XGBoost does: what is asked, and whose answers it must equal."""
