"""How good a model is and how far to trust it, from rows that it has not seen."""
