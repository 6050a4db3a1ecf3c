"""Small models, saved, and their documents changed by hand."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

RANDOM = np.random.default_rng(0)
X = RANDOM.random((200, 5), dtype=np.float32)
Y = RANDOM.integers(0, 2, 200)


def saved(path: Path, parameters: dict[str, Any] | None = None, rounds: int = 2, **matrix: Any) -> Path:
    """Train on X and Y, or on what `matrix` has in their place, and save."""
    data = {"data": X, "label": Y, **matrix}
    booster = {"nthread": 1, **(parameters or {"objective": "binary:logistic"})}  # threads wait for each other
    with xgboost.config_context(verbosity=0):  # newer versions warn of boosters that they will remove
        xgboost.train(booster, xgboost.DMatrix(**data), rounds).save_model(path)
    return path


def edited(path: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    """Change the document of a model that is saved as JSON."""
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_text(json.dumps(document))
    return path


def as_ubjson(value: Any) -> bytes:
    """Encode a value as UBJSON by the format's own document: plain arrays, float64, int64."""
    if isinstance(value, dict):
        return b"{" + b"".join(_text(key) + as_ubjson(item) for key, item in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b"".join(map(as_ubjson, value)) + b"]"
    if isinstance(value, str):
        return b"S" + _text(value)
    if isinstance(value, bool) or value is None:
        return {True: b"T", False: b"F", None: b"Z"}[value]
    return struct.pack(">cq", b"L", value) if isinstance(value, int) else struct.pack(">cd", b"D", value)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">cq", b"L", len(encoded)) + encoded
