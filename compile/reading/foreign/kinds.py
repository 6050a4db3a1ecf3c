"""What a file or a directory is if it is no XGBoost model in JSON or UBJSON, and how to get a model from it.

It is recognised from its first megabyte and its last 64 KiB. Nothing in it is run, and nothing is unpickled. The
returned text continues "PATH is ...".
"""

from pathlib import Path

from compile.reading.foreign.archives import archived
from compile.reading.foreign.directories import directory
from compile.reading.foreign.documents import json_document, marked, plain_text, text_document, unmark, wide_text
from compile.reading.foreign.legacy import IMAGE, is_image, legacy
from compile.reading.foreign.magic_numbers import of_r, signed
from compile.reading.foreign.packed import Unpacked, unpacked
from compile.reading.foreign.pickles import pickled
from compile.reading.foreign.sample import EXPECTED, SPACE, Sample

DEPTH = 3  # how many nested compressions are opened
BYTES_SHOWN = 8
EMPTY = "empty; save or copy the model again"
RECOGNISE = (legacy, archived, signed, of_r, text_document, pickled)


def foreign(path: Path, data: bytes) -> str | None:
    """Return what the file is and how to get a model from it, or None if it may be an XGBoost model in JSON or UBJSON.

    `data` is all that is in the file.
    """
    return _kind(Sample.of(path, data), 0)


def foreign_directory(path: Path) -> str | None:
    """Return what the directory is and which model in it to give, or None if it is of no kind that is known here."""
    return directory(path)


def _kind(sample: Sample, depth: int) -> str | None:
    if not sample.text:
        return EMPTY if sample.whole else None
    wide = wide_text(sample)
    if wide or sample.text.startswith(b"{"):
        return wide or _braced(sample)
    return (_wrapped(sample, depth) if depth < DEPTH else None) or _recognised(sample)


def _braced(sample: Sample) -> str | None:
    """Return what begins with a brace, as every XGBoost model does, or None if it may be such a model."""
    if _is_json(sample.text):
        return json_document(sample)
    return IMAGE if is_image(sample.head) else None


def _wrapped(sample: Sample, depth: int) -> str | None:
    """Return what has a byte order mark in front or is compressed, or None if it is neither."""
    after = marked(sample)
    if after is not None:
        return _kind(after, depth + 1) or unmark(sample)
    inside = unpacked(sample)
    return _compressed(sample, inside, depth) if inside else None


def _recognised(sample: Sample) -> str:
    return next((kind for recognise in RECOGNISE if (kind := recognise(sample))), None) or _unknown(sample)


def _is_json(text: bytes) -> bool:
    """Return whether a quote or a brace follows the first brace. In UBJSON the type of a length follows."""
    return text[:1] == b"{" and text[1:].lstrip(SPACE)[:1] in (b'"', b"}")


def _compressed(sample: Sample, inside: Unpacked, depth: int) -> str:
    """Return what is inside, and how to unpack it. joblib and R read compressed files as they are."""
    name = inside.packing.name
    within = Sample.of(sample.fresh_path(_suffix(inside.data)), inside.data, inside.whole)
    objects = pickled(within, name) or of_r(within, name)
    if objects:
        return objects
    command = f"{inside.packing.command} {sample.name} > {within.name}"
    kind = _kind(within, depth + 1) if inside.data else None
    if kind is None:
        maybe = "what may be a model of XGBoost, " if inside.data else ""
        return f"{maybe}compressed by {name}; type: {command} && python -m compile {within.name}"
    return f"compressed by {name} (to get what is in it, {within.name}, type: {command}); in it is {kind}"


def _suffix(data: bytes) -> str:
    text = data.lstrip(SPACE)
    return ".json" if _is_json(text) else ".ubj" if text.startswith(b"{") else ".bin"


def _unknown(sample: Sample) -> str:
    if not any(sample.head):
        return "nothing but zero bytes, such as an unfinished download leaves; copy the model again"
    first = sample.head[:BYTES_SHOWN].hex(" ")
    return plain_text(sample.text) or f"of no kind that is known here (its first bytes: {first}); {EXPECTED}"
