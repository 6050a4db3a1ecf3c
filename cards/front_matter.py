"""The front matter of a card: YAML between two lines of three hyphens, as model hubs read it."""

import json
import math
import re
from collections.abc import Mapping, Sequence

FENCE = "---\n"
MODEL_KEY = "model_sha256"  # which model a card describes; hubs leave keys that they do not know alone
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_MODEL = re.compile(rf"^{MODEL_KEY}: *[\"']?([0-9a-f]{{64}})[\"']? *$", re.MULTILINE)

Scalar = str | int | float
Value = Scalar | Sequence["Value"] | Mapping[str, "Value"]


def front_matter(metadata: Mapping[str, Value]) -> str:
    """Return the metadata as front matter, in their order.

    Texts are quoted as in JSON, which YAML 1.2 contains: so `no` and `1.0` stay texts. Keys are our own words.
    """
    return FENCE + _mapping(metadata, "") + FENCE


def parted(card: str) -> tuple[str, str]:
    """Return the front matter of a card without its fences, and the Markdown after it. The first may be empty."""
    text = card.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.startswith(FENCE):
        return "", text
    matter, end, rest = text.removeprefix("---").partition("\n" + FENCE)
    return (matter[1:] + "\n", rest) if end else ("", text)


def model_of(card: str) -> str | None:
    """Return the SHA-256 of the model that a card says it describes, or None if it does not say."""
    found = _MODEL.search(parted(card)[0])
    return found[1] if found else None


def _mapping(metadata: Mapping[str, Value], indent: str) -> str:
    return "".join(f"{indent}{key}:{_value(value, indent)}" for key, value in metadata.items())


def _value(value: Value, indent: str) -> str:
    """Return a value as it follows its key, with the end of its line."""
    if isinstance(value, str | int | float):
        return f" {_scalar(value)}\n"
    if isinstance(value, Mapping):
        return "\n" + _mapping(value, indent + "  ") if value else " {}\n"
    return "\n" + "".join(_item(each, indent) for each in value) if value else " []\n"


def _scalar(value: Scalar) -> str:
    """Return a text in quotes, or a number. Readers of YAML 1.1 want a point before an exponent."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
        return re.sub(r"^(-?[0-9]+)e", r"\1.0e", repr(value))
    # What YAML does not allow in a text, or takes for the end of a line, is escaped; JSON escapes the rest.
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _item(value: Value, indent: str) -> str:
    """Return one item of a sequence. The first key of a mapping is beside the hyphen."""
    if isinstance(value, Mapping) and value:
        inner = indent + "  "
        return f"{indent}- " + _mapping(value, inner).removeprefix(inner)
    return f"{indent}-{_value(value, indent + '  ')}"
