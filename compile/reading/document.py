"""A model file as a document: its content before and after XGBoost has read it."""

import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import xgboost

from compile.reading.foreign.kinds import foreign, foreign_directory
from compile.reading.known_keys import lost, not_understood
from compile.reading.saved_again import WAY_OUT, saved_again
from compile.reading.strict_json import Malformed, read_json
from compile.reading.ubjson import read_ubjson
from compile.reading.unsupported import changed_since, unsupported, unsupported_name
from contract.refusal import Refusal

INSTALLED = tuple(map(int, re.findall(r"\d+", xgboost.__version__)[:3]))


class Document(msgspec.Struct, frozen=True):
    """A model file that is understood.

    `data` are the bytes of the file. `saved` is the same model as UBJSON by the installed XGBoost, and `content` is
    that, parsed: arrays of numbers are numpy arrays. `version` is the XGBoost that wrote the file. `says_rounds` is
    whether the file holds the number of trees in a round, as files do since 1.6. Otherwise XGBoost assumes one tree a
    class.
    """

    data: bytes
    saved: bytes
    content: dict[str, Any]
    version: tuple[int, ...]
    says_rounds: bool


def read_document(path: Path) -> Document:
    """Read a model file, JSON or UBJSON. Raises Refusal, naming what in it is not understood."""
    data = _bytes(path)
    kind = foreign(path, data)
    if kind:
        raise Refusal(f"{path} is {kind}")
    found = _parse(data, path)
    version = _version(found, path)
    _refuse(unsupported_name(found["learner"]), path)  # before XGBoost reads it, which may not know the name
    _refuse(changed_since(found["learner"], version), path)
    unknown = not_understood(found)
    if unknown:
        raise Refusal(
            f"{path} holds {unknown}, which this compiler does not know: it may decide answers; train without what "
            "writes it, or with an older XGBoost"
        )
    saved = saved_again(path)
    content = read_ubjson(saved)
    _refuse(unsupported(content["learner"]), path)
    loss = lost(found, content)
    if loss:
        raise Refusal(f"{path}: XGBoost {xgboost.__version__} reads past {loss}; {WAY_OUT}")
    parameters = found["learner"]["gradient_booster"]["model"].get("gbtree_model_param", {})
    return Document(data, saved, content, version, "num_parallel_tree" in parameters)


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        kind = foreign_directory(path) or "a directory; give the model's file in it"
        raise Refusal(f"{path} is {kind}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refusal(
            f"cannot read the model {path}: {error.strerror}; give another path; make train writes the penguins'"
        ) from error


def _parse(data: bytes, path: Path) -> dict[str, Any]:
    """Parse the file. Like XGBoost, take a `{` that a letter follows as UBJSON. Raises Refusal."""
    try:
        found = read_ubjson(data) if data[:1] == b"{" and data[1:2].isalpha() else read_json(data)
    except Malformed as error:
        raise Refusal(f"{path} is not an XGBoost model in JSON or UBJSON ({error}); {WAY_OUT}") from error
    if not isinstance(found, dict) or not isinstance(found.get("learner"), dict):
        raise Refusal(f"{path} is not an XGBoost model in JSON or UBJSON (it has no learner); {WAY_OUT}")
    return found


def _version(found: dict[str, Any], path: Path) -> tuple[int, ...]:
    """Return the version in the file. Raises Refusal if it is newer than the installed XGBoost."""
    try:
        version = tuple(int(number) for number in found["version"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(f"{path} does not say which XGBoost wrote it (version); {WAY_OUT}") from error
    if version > INSTALLED:
        raise Refusal(
            f"{path} was written by XGBoost {dotted(version)}: expected {xgboost.__version__}, which judges it here, "
            f"or an older one; {_newer_judge()}"
        )
    return version


def _newer_judge() -> str:
    """Return what to type for a newer XGBoost. The locks hold the newest version for each Python."""
    if sys.version_info < (3, 12):
        return "compile it with Python 3.12 or newer: make PYTHON=python3.12 setup, then .venv/bin/python -m compile"
    return "lock a newer one: requirements/build.in, make lock setup"


def dotted(version: tuple[int, ...]) -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version))


def _refuse(reason: str | None, path: Path) -> None:
    if reason:
        raise Refusal(f"{path}: cannot compile {reason}")
