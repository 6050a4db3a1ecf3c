"""JSON, read strictly. Lists of numbers become numpy arrays. The readers of both formats share functions here."""

import json
from typing import Any

import numpy as np

MAX_LEVELS = 100  # levels of nesting; a model has about eight


class Malformed(ValueError):
    """The bytes are not valid in the format. The message says what was found, and where."""


def read_json(data: bytes) -> Any:
    """Return the value that `data` holds. NaN and Infinity are numbers, as XGBoost writes them. Raises Malformed."""
    try:
        return json.loads(data.decode(), object_pairs_hook=to_object)
    except Malformed:
        raise
    except RecursionError as error:
        raise Malformed(f"more than {MAX_LEVELS} levels of JSON") from error
    except ValueError as error:  # not JSON, not UTF-8, an integer of thousands of digits
        raise Malformed(str(error)) from error


def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these keys and values. Raises Malformed if a key is repeated: readers would differ."""
    found = {key: to_array(value) if type(value) is list else value for key, value in pairs}
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Malformed(f"the key {twice!r} stands twice in one object")
    return found


def to_array(items: list[Any]) -> Any:
    """Return an array if all items are numbers or truth values, and else the list."""
    kinds = set(map(type, items))
    if not kinds or not kinds <= {int, float, bool}:
        return items
    try:
        return np.array(items)
    except OverflowError:
        return items
