"""Formats that XGBoost itself wrote, and no longer reads or never meant as a model file.

The binary format begins with a struct of 136 bytes, LearnerModelParamLegacy in XGBoost's src/learner.cc: float
base_score; uint32 num_feature; int32 num_class, contain_extra_attrs, contain_eval_metrics; uint32 major_version,
minor_version; the rest is reserved (1.7 put two fields there). Then come the names of the objective and of the booster,
each after its length as a uint64. XGBoost 1.2 to 3.0 write "binf" in front. 0.90 and 1.0 write no magic number.
"""

import re
import struct

import msgspec

from compile.reading.foreign.sample import SAVE_BOOSTER, Sample

PARAMETERS = struct.Struct("<fIiiiII108x")
LENGTH = struct.Struct("<Q")
MAGIC = b"binf"
BOOSTERS = ("gbtree", "gblinear", "dart")
MAX_NAME_BYTES = 64  # bytes; the longest objective of XGBoost has 20
BASE64 = re.compile(rb"bs64\s")
IMAGES = (b"CONFIG-offset:", b"{L\0\0\0\0\0\0\0\6Config", b"{L\0\0\0\0\0\0\0\5Model")
IMAGE = (
    "the memory image of a Booster (what a pickle of one holds), which only the version of XGBoost that made it reads; "
    f"{SAVE_BOOSTER}"
)
CONVERT = (
    "XGBoost 3.1 and newer cannot read it, XGBoost 0.90 to 3.0 can; to convert it, type: "
    'python3 -m venv xgboost-3.0 && xgboost-3.0/bin/pip install "xgboost==3.0.*" && xgboost-3.0/bin/python -c '
    "\"import sys, xgboost as x; b = x.Booster(); b.load_model(bytearray(open(sys.argv[1], 'rb').read())); "
    'b.save_model(sys.argv[2])" {name} {fresh} && python -m compile {fresh}'
)


class Header(msgspec.Struct, frozen=True):
    """The beginning of a binary model. `version` is (0, 0) if XGBoost was older than 1.0."""

    version: tuple[int, int]
    objective: str
    booster: str


def legacy(sample: Sample) -> str | None:
    """Return what a file in XGBoost's binary format, in its base64 form or as a memory image is, or None."""
    if is_image(sample.head):
        return IMAGE
    if BASE64.match(sample.head):
        return _base64(sample)
    header = read_header(sample.head)
    if header is None and not sample.head.startswith(MAGIC):
        return None
    said = _said(header) if header else "cut short"
    return f"a model in XGBoost's old binary format ({said}); {_convert(sample)}"


def is_image(head: bytes) -> bool:
    """Return whether it is the memory image of a Booster that is not in JSON."""
    return head.startswith(IMAGES)


def read_header(head: bytes) -> Header | None:
    """Return the struct and the two names, or None if they are not there."""
    start = len(MAGIC) if head.startswith(MAGIC) else 0
    objective, end = _name(head, start + PARAMETERS.size)
    booster, _ = _name(head, end)
    if not objective or booster not in BOOSTERS:
        return None
    fields = PARAMETERS.unpack_from(head, start)
    return Header((fields[5], fields[6]), objective, booster)


def _name(head: bytes, start: int) -> tuple[str, int]:
    """Return one name, empty if there is none, and the offset of its end. The name's length is before it."""
    if len(head) < start + LENGTH.size:
        return "", len(head)
    (length,) = LENGTH.unpack_from(head, start)
    end = start + LENGTH.size + min(length, MAX_NAME_BYTES)
    name = head[start + LENGTH.size : end]
    return (name.decode(), end) if len(name) == length and re.fullmatch(rb"[\w:]+", name) else ("", end)


def _said(header: Header) -> str:
    major, minor = header.version
    written = f"XGBoost {major}.{minor}" if 1 <= major < 100 and minor < 100 else "XGBoost before 1.0"
    return f"{header.booster}, {header.objective}, written by {written}"


def _convert(sample: Sample) -> str:
    return CONVERT.format(name=sample.name, fresh=sample.fresh())


def _base64(sample: Sample) -> str:
    plain = sample.fresh(".bin")
    return (
        "a model in XGBoost's old binary format, coded in base64, which no XGBoost since 0.90 reads; "
        f"to decode it, type: tail -c +6 {sample.name} | base64 -d > {plain}; then, in the binary format, "
        f"{CONVERT.format(name=plain, fresh=sample.fresh())}"
    )
