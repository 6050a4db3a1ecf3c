"""ZIP and tar archives. The names in an archive tell what it is, and nothing is unpacked."""

import re
import struct
from itertools import islice

from compile.reading.foreign.sample import ONLY_XGBOOST, SAVE_BOOSTER, Sample, for_shell, printable_start

ENTRIES = (  # the magic number of an entry, the offset of its name's length, the offset of its name
    (re.compile(rb"PK\x01\x02"), 28, 46),  # in the directory at the end
    (re.compile(rb"PK\x03\x04"), 26, 30),  # in front of the file
)
LENGTH = struct.Struct("<H")
NAMES = 1000  # how many names are read from each end
NAMES_SHOWN = 4
MAX_NAME_BYTES = 300  # bytes; longer names are skipped
MODEL = re.compile(r".*\.(?:ubj|json|xgb|model|bst|pkl|joblib)")
KINDS = (  # a file name, and what an archive with it is; the first match counts
    (
        # XGBoostMojoWriter.java of H2O 3 writes it
        r"boosterBytes",
        "a MOJO of H2O with a model of XGBoost in it; to get the model without what H2O does to its input, type: "
        "unzip -p {name} boosterBytes > {fresh} && python -m compile {fresh}",
    ),
    (r"model\.ini", f"a MOJO of H2O; {ONLY_XGBOOST}"),
    (r"model\.weights\.h5", f"a model of Keras; {ONLY_XGBOOST}"),
    (r".*/data\.pkl", f"a file of PyTorch; {ONLY_XGBOOST}"),
    (r"schema\.json", f"a file of skops; if it is a model of XGBoost: {SAVE_BOOSTER}"),
    (r".*\.npy", "arrays of NumPy (.npz), which are data, not a model"),
    (r"\[Content_Types\]\.xml", "a document of an office program, not a model"),
    (r"META-INF/MANIFEST\.MF", "a Java archive, not a model"),
)
TELLING = tuple((re.compile(name), kind) for name, kind in KINDS)


def archived(sample: Sample) -> str | None:
    """Return what the archive is, from the names in it, or None if the file is no archive."""
    if sample.head.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip(sample, zip_names(sample))
    if sample.head[257:262] == b"ustar":
        return f"a tar archive; type: tar -xf {sample.name}; then give the model that was in it"
    return None


def zip_names(sample: Sample) -> list[str]:
    """Return names of files in a ZIP archive: those that its last bytes list, and those in its first bytes."""
    names: dict[str, None] = {}
    for data, (magic, length_at, name_at) in zip((sample.tail, sample.head), ENTRIES, strict=True):
        for found in islice(magic.finditer(data), NAMES):
            start = found.start() + name_at
            if start > len(data):
                break
            (length,) = LENGTH.unpack_from(data, found.start() + length_at)
            if length <= MAX_NAME_BYTES:
                names[data[start : start + length].decode("utf-8", "replace")] = None
    return list(names)


def _zip(sample: Sample, names: list[str]) -> str:
    for tells, kind in TELLING:
        if any(map(tells.fullmatch, names)):
            return kind.replace("{name}", sample.name).replace("{fresh}", sample.fresh(".bin"))
    listed = ", ".join(map(printable_start, names[:NAMES_SHOWN])) or "no files"
    model = next((name for name in names if MODEL.fullmatch(name) and name.isprintable()), None)
    then = f"&& python -m compile {for_shell(model)}" if model else "and give the model that was in it"
    return f"a ZIP archive ({listed}); type: unzip {sample.name} {then}"
