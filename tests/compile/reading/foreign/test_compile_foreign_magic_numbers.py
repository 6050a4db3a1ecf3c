"""Binary files of other libraries, made by those libraries where they are here."""

import bz2
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import treelite
import xgboost

from tests.compile.reading.foreign.files import CATBOOST, RDS, X, Y, booster, told


def test_other_files_of_xgboost_are_told(tmp_path: Path) -> None:
    """A file of XGBoost's data is recognised."""
    xgboost.DMatrix(X, Y).save_binary(tmp_path / "data")
    assert told((tmp_path / "data").read_bytes()).startswith("a DMatrix of XGBoost (save_binary), which is data")


def test_treelite_is_told() -> None:
    """A Treelite checkpoint and a Treelite JSON are recognised."""
    model = treelite.frontend.from_xgboost(booster())
    assert told(model.serialize_bytes()).startswith("a checkpoint of Treelite")
    assert told(model.dump_as_json().encode()).startswith("a model of Treelite in JSON")


def test_onnx_is_told() -> None:
    """An ONNX model is recognised with and without a producer's name."""
    helper = pytest.importorskip("onnx.helper")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "graph", [], [])
    for named in ({"producer_name": "skl2onnx", "producer_version": "1.20"}, {}):
        data = helper.make_model(graph, **named).SerializeToString()
        assert told(data).startswith("a model in ONNX")
        assert told(data[:2]).startswith("of no kind that is known here")


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (CATBOOST, "a model of CatBoost; this service compiles the trees of XGBoost only"),
        (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file, such as Keras writes"),  # III.A of the HDF5 specification
        (b"PAR1\x15\x04", "a Parquet file, which is data"),  # "File format" of Apache Parquet
        (saved(X), "an array of NumPy (.npy), which is data"),
        (b"\x7fELF\2\1\1", "a program or native library"),
        (RDS, "an object of R (saveRDS); in R, where it was made, type xgboost::xgb.save(model, 'model.json')"),
        (gzip.compress(RDS, mtime=0), "an object of R (saveRDS, compressed by gzip); in R"),
        (bz2.compress(b"RDX3\n" + RDS), "an object of R (save, compressed by bzip2); in R"),
    ],
)
def test_other_files_are_told(data: bytes, what: str) -> None:
    """Other files are recognised by the first bytes that their formats define."""
    assert told(data).startswith(what)
