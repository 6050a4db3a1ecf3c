"""The trees of a model as arrays of constants in C."""
