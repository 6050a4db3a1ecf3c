"""Text that is no XGBoost model: other libraries' JSON, dumps, tables, pages, and pointers to a file elsewhere."""

import codecs
import re
from collections.abc import Mapping

import msgspec

from compile.reading.foreign.legacy import IMAGE
from compile.reading.foreign.sample import DATA, EXPECTED, ONLY_XGBOOST, SAVE_BOOSTER, SPACE, Sample, printable_start

LIGHTGBM = f"a model of LightGBM; {ONLY_XGBOOST}"
CATBOOST = f"a model of CatBoost in JSON; {ONLY_XGBOOST}"
DUMP = f"a dump of an XGBoost model, which does not hold all of it (no objective, no base score); {SAVE_BOOSTER}"
CONFIG = f"the configuration of a Booster (save_config), which holds no trees; {SAVE_BOOSTER}"
SPARK = "the description of a Spark model, which holds no trees; give the directory that has it in metadata/"
TREELITE = f"a model of Treelite in JSON; {SAVE_BOOSTER}"
MANIFEST = "the manifest of a bundle that python -m compile made; give the model that is beside it, model.json"
MARKS = {  # a key at the top of a JSON document: what the document is
    "oblivious_trees": CATBOOST,
    "features_info": CATBOOST,
    "tree_info": LIGHTGBM,
    "Config": IMAGE,
    "Model": IMAGE,
    "nodeid": DUMP,
    "threshold_type": TREELITE,
    "bundle_version": MANIFEST,
}
FIRST_KEY = re.compile(rb'\{[ \t\r\n]*"(\w{1,40})"[ \t\r\n]*:')
SPARK_DESCRIPTION = re.compile(rb'\{"class":"([\w.$]{1,200})","timestamp":')
LIGHTGBM_JSON = re.compile(rb'\{\s*"name"\s*:\s*"tree"\s*,\s*"version"\s*:')
KEYS_SHOWN = 5
QUOTED = 40  # bytes of unknown text that are shown
UTF_8 = codecs.getincrementaldecoder("utf-8")
TEXT = 8192  # bytes that are examined
HTML = (
    "an HTML page, such as a failed download leaves; download the file again: curl --fail --location --output FILE URL"
)
STARTS = (  # the beginning of a text, and what the text is; the first match counts
    (rb"tree\r?\nversion=", LIGHTGBM),
    (rb"booster\[\d+\]:", DUMP),
    (rb"\d+:(?:\[[^\]\n]+\] yes=|leaf=)", DUMP),
    (rb'\[\s*\{\s*"(?:nodeid|leaf|bias)"', DUMP),
    (rb'\[\s*"(?:\\n|\s)*(?:\d+:(?:\[|leaf=)|\{\s*\\"nodeid)', DUMP),
    (rb"\[", f"text that begins like a JSON list, while a model is a JSON object; {EXPECTED}"),
    (rb"(?i:<!doctype html|<html|<head|<body)", HTML),
    (rb"<(?s:.{0,4000})<PMML\b|<PMML\b", f"a model in PMML, from which XGBoost's own cannot be made; {SAVE_BOOSTER}"),
    (rb"<(?s:.{0,1000})<Error>", "an error message in XML, such as a failed download leaves; download the file again"),
    (rb"<\?xml", f"an XML document; {EXPECTED}"),
    (
        rb"version https://git-lfs\.github\.com/spec/",
        "a pointer of Git LFS to the file, not the file; to get it, type: git lfs pull",
    ),
    (rb"outs:\r?\n *- ", "a pointer of DVC to the file, not the file; to get it, type: dvc pull {name}"),
)
TEXTS = tuple((re.compile(start), kind) for start, kind in STARTS)
MARK_8 = b"\xef\xbb\xbf"
WIDE = (  # the beginning of text with two or four bytes a character, and its name for iconv
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"{\0\0\0", "UTF-32LE"),
    (b"\0\0\0{", "UTF-32BE"),
    (b"{\0", "UTF-16LE"),
    (b"\0{", "UTF-16BE"),
)
CSV_LINES = re.compile(r"([^\r\n]+)\r?\n([^\r\n]+)\r?(?:\n|\Z)")


def json_document(sample: Sample) -> str | None:
    """Return what the JSON object is, or None if it may be an XGBoost model."""
    if LIGHTGBM_JSON.match(sample.text):
        return LIGHTGBM
    if SPARK_DESCRIPTION.match(sample.text):
        return SPARK
    if not sample.whole:
        first = FIRST_KEY.match(sample.text)
        return MARKS.get(first[1].decode()) if first else None
    top = _keys(sample.text)
    if top is None:
        return None
    if "learner" in top:
        return CONFIG if _is_config(top["learner"]) else None
    return next((kind for mark, kind in MARKS.items() if mark in top), None) or _unknown(top)


def _keys(document: bytes | msgspec.Raw) -> Mapping[str, msgspec.Raw] | None:
    """Return the keys of a JSON object with their unparsed values, or None if it is no object."""
    try:
        return msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_config(learner: msgspec.Raw) -> bool:
    """Return whether it is a configuration: a model has gradient_booster.model, and never learner_train_param."""
    keys = _keys(learner) or {}
    booster = _keys(keys["gradient_booster"]) if "gradient_booster" in keys else None
    return "learner_train_param" in keys and booster is not None and "model" not in booster


def _unknown(top: Mapping[str, msgspec.Raw]) -> str:
    listed = ", ".join(printable_start(key, 30) for key in list(top)[:KEYS_SHOWN]) or "none"
    return f"a JSON object without the key learner, which every model of XGBoost has (its keys: {listed}); {EXPECTED}"


def text_document(sample: Sample) -> str | None:
    """Return what the text is, from how it begins. A table is recognised by its first two lines."""
    text = sample.text[:TEXT]
    for start, kind in TEXTS:
        if start.match(text):
            return kind.replace("{name}", sample.name)
    return f"text that looks like a table, such as CSV: {DATA}" if _is_table(text) else None


def _is_table(head: bytes) -> bool:
    """Return whether the first two lines have the same number of separators and can be printed."""
    found = CSV_LINES.match(head.decode("utf-8", "replace"))
    if found is None or "\ufffd" in found[0] or not (found[1] + found[2]).replace("\t", "").isprintable():
        return False
    return any(0 < found[1].count(separator) == found[2].count(separator) for separator in ",;\t")


def marked(sample: Sample) -> Sample | None:
    """Return the text after a byte order mark, or None if there is none."""
    if not sample.head.startswith(MARK_8):
        return None
    return msgspec.structs.replace(sample, head=sample.head[len(MARK_8) :])


def unmark(sample: Sample) -> str:
    """Return how to remove the byte order mark."""
    return (
        "JSON with a byte order mark in front, which JSON must not have (RFC 8259); to take it away, type: "
        f"tail -c +{len(MARK_8) + 1} {sample.name} > {sample.fresh()} && python -m compile {sample.fresh()}"
    )


def wide_text(sample: Sample) -> str | None:
    """Return what UTF-16 or UTF-32 text is. Some shells write it when output is redirected to a file."""
    coding = next((name for start, name in WIDE if sample.head.startswith(start)), None)
    if coding is None:
        return None
    text = sample.head[:400].decode(coding.lower(), "ignore").lstrip("\ufeff" + SPACE.decode())
    if not text.startswith("{"):
        return f"text in {coding}, or no text; {EXPECTED}" if text.isascii() and text else None
    return (
        f"JSON in {coding}, while a model is in UTF-8; to convert it, type: "
        f"iconv -f {coding} -t UTF-8 {sample.name} > {sample.fresh()} && python -m compile {sample.fresh()}"
    )


def plain_text(head: bytes) -> str | None:
    """Return a quotation of the beginning of any other text, or None if it is no text."""
    start = head[:QUOTED].split(b"\n")[0].rstrip(b"\r")
    try:
        text = UTF_8().decode(start)  # the start may end in the middle of a character
    except UnicodeDecodeError:
        return None
    return f"text that begins with {text!r}; {EXPECTED}" if text and text.isprintable() else None
