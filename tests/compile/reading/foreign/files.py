"""Models and files of other kinds, small, for the tests that tell them apart."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from compile.reading.foreign.kinds import foreign

KINDS: dict[str, dict[str, Any]] = {  # of boosters
    "trees": {},
    "classes": {"objective": "multi:softprob", "num_class": 3},
    "dart": {"booster": "dart"},
    "linear": {"booster": "gblinear", "updater": "coord_descent"},
}
random = np.random.default_rng(0)
X = random.random((60, 3), dtype=np.float32)
Y = random.integers(0, 2, 60)


def booster(**parameters: Any) -> xgboost.Booster:
    """Train two rounds."""
    with xgboost.config_context(verbosity=0):  # newer versions warn of boosters that they will remove
        return xgboost.train({"objective": "binary:logistic", **parameters}, xgboost.DMatrix(X, Y), 2)


def told(data: bytes, name: str = "model.bin") -> str:
    """Return the one printable line about a file that is no model."""
    text = foreign(Path(name), data)
    assert text is not None
    assert text.isprintable()
    return text


def typed(text: str) -> str:
    """Return the command in that line, up to where the new file is compiled."""
    return text.partition("type: ")[2].partition(" && python -m compile")[0]


def binary_model(
    version: tuple[int, int] = (1, 7),
    objective: str = "binary:logistic",
    kind: str = "gbtree",
    base_score: float = 0.5,
    features: int = 3,
    classes: int = 0,
) -> bytes:
    """Make the beginning of a model in XGBoost's binary format, which XGBoost 3.1 no longer reads."""
    since_1_7 = int(version >= (1, 7))
    fields = (features, classes, int(version > (0, 0)), 0, *version, since_1_7, since_1_7)
    parameters = struct.pack("<fIiiiIIII", base_score, *fields).ljust(136, b"\0")
    names = b"".join(struct.pack("<Q", len(name)) + name.encode() for name in (objective, kind))
    return (b"binf" if version > (1, 0) else b"") + parameters + names


MODEL = bytes(booster().save_raw("json"))
UBJSON = bytes(booster().save_raw("ubj"))
# CatBoost: MODEL_FILE_DESCRIPTOR_CHARS of catboost/libs/model/model.cpp and a size; the keys that 1.2.8 writes in JSON
CATBOOST = b"CBM1\xd8\x1a\0\0\x14\0\0\0"
CATBOOST_JSON = b'{\n  "features_info":{"float_features":[]},\n  "model_info":{},\n  "oblivious_trees":[]\n}'
# LightGBM: SaveModelToString and DumpModel of src/boosting/gbdt_model_text.cpp
LIGHTGBM = b"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n"
LIGHTGBM_JSON = b'{"name": "tree", "version": "v4", "num_class": 1, "tree_info": []}'
# R Internals, 1.8: the format, its version, the R that wrote it (4.2.0), the oldest that reads it (3.5.0)
RDS = b"X\n\0\0\0\3\0\4\2\0\0\3\5\0"
