"""penguin_model.json -> C -> native library -> parity check -> bundle.

`compile` is a builtin's name too: use `from compile.x import y`, and run `python -m compile`.
"""
