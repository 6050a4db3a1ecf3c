"""Binary files that are recognised by their first bytes or by the structure of their first fields."""

import re
import struct

from compile.reading.foreign.sample import DATA, ONLY_XGBOOST, SAVE_BOOSTER, Sample

IN_R = "in R, where it was made, type xgboost::xgb.save(model, 'model.json')"
STARTS = (  # the magic number, and what the file is
    (rb"CBM1", f"a model of CatBoost; {ONLY_XGBOOST}"),
    (rb"\x89HDF\r\n\x1a\n", f"an HDF5 file, such as Keras writes; {ONLY_XGBOOST}"),
    (rb"\x01\xab\xff\xff", f"a DMatrix of XGBoost (save_binary), which is {DATA}"),
    (rb"PAR1", f"a Parquet file, which is {DATA}"),
    (rb"ARROW1\0\0|FEA1", f"an Arrow or Feather file, which is {DATA}"),
    (rb"ORC", f"an ORC file, which is {DATA}"),
    (rb"Obj\x01", f"an Avro file, which is {DATA}"),
    (rb"SQLite format 3\0", f"an SQLite database, which is {DATA}"),
    (rb"\x93NUMPY", f"an array of NumPy (.npy), which is {DATA}"),
    (rb"....TFL3", f"a model of TensorFlow Lite; {ONLY_XGBOOST}"),
    (rb"GGUF", f"a language model (GGUF); {ONLY_XGBOOST}"),
    (rb"\x7fELF|\xcf\xfa\xed\xfe|MZ\x90\0", "a program or native library; give the model that it was made from"),
    (rb"%PDF-", "a PDF document, not a model"),
    (rb"\x89PNG\r\n|\xff\xd8\xff|GIF8", "a picture, not a model"),
)
MAGIC = tuple((re.compile(start, re.DOTALL), kind) for start, kind in STARTS)
R_STARTS = (  # the beginning, and the function of R that writes it
    (re.compile(rb"RD[AX][23]\n"), "save"),
    (re.compile(rb"X\n\0\0\0[\x02\x03]|A\n[23]\n|B\n[\x02\x03]\0\0\0"), "saveRDS"),
)
TREELITE = struct.Struct("<iiiBBQ")  # version, type of thresholds, type of leaves, number of trees
TREELITE_TYPES = (1, 2, 3)  # uint32, float32, float64
TREELITE_MAJORS = (3, 4, 5, 6)
ONNX_GRAPH = 7  # the fields of ModelProto in onnx.proto: 1 is the version of its format, 7 the graph
ONNX_FIELDS = {2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2}  # the fields that may follow field 1, and their wire types
ONNX_VERSIONS = range(1, 100)
STEPS = 50  # how many fields are examined


def signed(sample: Sample) -> str | None:
    """Return what the binary file is, or None."""
    for start, kind in MAGIC:
        if start.match(sample.head):
            return kind
    if is_treelite(sample.head):
        return f"a checkpoint of Treelite, from which XGBoost's own model cannot be made; {SAVE_BOOSTER}"
    if is_onnx(sample.head):
        return f"a model in ONNX, from which XGBoost's own model cannot be made; {SAVE_BOOSTER}"
    return None


def of_r(sample: Sample, packing: str = "") -> str | None:
    """Return what R saved, or None. `packing` names the file's compression, which R removes by itself."""
    function = next((name for start, name in R_STARTS if start.match(sample.head)), None)
    compressed = f", compressed by {packing}" if packing else ""
    return f"an object of R ({function}{compressed}); {IN_R}" if function else None


def is_treelite(head: bytes) -> bool:
    """Return whether it begins like a serialized Treelite model: version, two types, number of trees."""
    if len(head) < TREELITE.size:
        return False
    major, minor, patch, threshold, leaf, trees = TREELITE.unpack_from(head)
    version = major in TREELITE_MAJORS and 0 <= minor < 100 and 0 <= patch < 100
    return version and threshold in TREELITE_TYPES and leaf in TREELITE_TYPES and 0 < trees < 1 << 32


def is_onnx(head: bytes) -> bool:
    """Return whether it is a Protocol Buffers message with the fields of an ONNX model, up to its graph."""
    tag, at = _varint(head, 0)
    version, at = _varint(head, at)
    if tag != 1 << 3 or version not in ONNX_VERSIONS:
        return False
    for _ in range(STEPS):
        tag, at = _varint(head, at)
        field, coding = tag >> 3, tag & 7
        if ONNX_FIELDS.get(field) != coding:
            return False
        value, at = _varint(head, at)
        if field == ONNX_GRAPH:
            return value > 0
        at += value if coding else 0
    return False


def _varint(head: bytes, at: int) -> tuple[int, int]:
    """Return a number of up to ten bytes, -1 if there is none, and the offset of its end."""
    value = 0
    for shift, byte in enumerate(head[at : at + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    return -1, at
