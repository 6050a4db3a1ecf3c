"""From penguin_model.json to C, to a native library, through the parity check, into a bundle.

`compile` is a builtin's name too: use `from compile.x import y`, and run `python -m compile`.
"""
