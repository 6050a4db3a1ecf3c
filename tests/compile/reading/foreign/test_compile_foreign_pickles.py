"""Pickles and joblib's files: the classes in them are named, and nothing is unpickled."""

import pickle
import pickletools
import sys
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped] # ships no types
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from compile.reading.foreign.pickles import HOLDERS, OPCODES
from tests.compile.reading.foreign.files import X, Y, booster, told

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
CLASSIFIER = xgboost.XGBClassifier(n_estimators=2).fit(X, Y)
PIPELINE = make_pipeline(StandardScaler(), CLASSIFIER).fit(X, Y)
SEARCH = GridSearchCV(xgboost.XGBClassifier(n_estimators=1), {"max_depth": [1]}, cv=2).fit(X, Y)
UNPICKLED = "nothing is unpickled here, since that runs its code"


def dumped(path: Path, thing: Any, compress: Any = 0) -> bytes:
    joblib.dump(thing, path, compress=compress)
    return path.read_bytes()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_booster_is_told_with_the_line_that_saves_it(protocol: int) -> None:
    """A pickled booster gets the line that saves it, in every protocol."""
    assert told(pickle.dumps(booster(), protocol)) == (
        f"a pickle of a Python object (xgboost.core.Booster); {UNPICKLED}: "
        "in Python, where it was made, type model.save_model('model.json')"
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("optimize", [False, True])
def test_a_wrapper_is_told_with_the_line_that_saves_it(protocol: int, optimize: bool) -> None:
    """A pickled wrapper gets the line that saves its booster."""
    data = pickle.dumps(CLASSIFIER, protocol)
    assert told(pickletools.optimize(data) if optimize else data) == (
        f"a pickle of a Python object (xgboost.sklearn.XGBClassifier); {UNPICKLED}: "
        "in Python, where it was made, type model.get_booster().save_model('model.json')"
    )


@pytest.mark.parametrize(
    ("model", "line"),
    [(CLASSIFIER, "model"), (PIPELINE, "model[-1]"), (SEARCH, "model.best_estimator_")],
)
def test_the_line_saves_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Any, line: str) -> None:
    """The advised line saves a model from the object itself."""
    text = told(dumped(tmp_path / "old", model))
    advised = text.partition("where it was made, type ")[2].partition(";")[0]
    assert advised == f"{line}.get_booster().save_model('model.json')"
    monkeypatch.chdir(tmp_path)
    eval(advised, {"model": model})  # noqa: S307 - the text is ours
    assert xgboost.Booster(model_file="model.json").num_boosted_rounds() > 0


def test_what_holds_a_model_is_named_as_python_names_it() -> None:
    """A class that holds a model has the name that Python gives it."""
    for name in HOLDERS:
        module, _, kind = name.rpartition(".")
        if "halving" in module:  # needs sklearn.experimental
            continue
        assert hasattr(__import__(module, fromlist=[kind]), kind)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collection_is_told_by_the_model_in_it(protocol: int) -> None:
    """A collection is described by the model in it."""
    text = told(pickle.dumps({"scaler": None, "model": CLASSIFIER}, protocol))
    assert text.startswith("a pickle of a collection of Python objects (xgboost.sklearn.XGBClassifier in it)")
    assert "type model.get_booster().save_model('model.json'), where model is the XGBoost model in it" in text


def test_other_libraries_objects_are_told() -> None:
    """Pickles of LightGBM and CatBoost are recognised by their class names."""
    text = told(pickle.dumps(RandomForestClassifier(2).fit(X, Y)))
    assert "(sklearn.ensemble._forest.RandomForestClassifier); " in text
    assert text.endswith("this service compiles the trees of XGBoost only, and cannot convert this")
    lightgbm = b"\x80\4\x95\0\x15\0\0\0\0\0\0\x8c\x0elightgbm.basic\x94\x8c\7Booster\x94\x93\x94)\x81\x94}\x94"
    assert "(lightgbm.basic.Booster)" in told(lightgbm)  # LightGBM 4.6
    catboost = b"\x80\4\x95\x1e\x1c\0\0\0\0\0\0\x8c\rcatboost.core\x94\x8c\x12CatBoostClassifier\x94\x93\x94)\x81\x94}"
    assert "(catboost.core.CatBoostClassifier)" in told(catboost)  # CatBoost 1.2


@pytest.mark.parametrize("compress", [0, "zlib", "gzip", "bz2", "xz", "lzma"])
def test_joblib_s_files_are_told(tmp_path: Path, compress: Any) -> None:
    """A file of joblib is recognised, compressed or not."""
    text = told(dumped(tmp_path / "model", PIPELINE, (compress, 3) if compress else 0))
    names = {"bz2": "bzip2"}
    compressed = f", compressed by {names.get(compress, compress)}," if compress else ""
    inside = "sklearn.pipeline.Pipeline with xgboost.sklearn.XGBClassifier in it"
    assert text.startswith(f"a joblib file{compressed} of a Python object ({inside})")


def test_a_model_after_many_numbers_is_found(tmp_path: Path) -> None:
    """A model after many numbers is found by a search for names."""
    data = dumped(tmp_path / "model", [np.arange(1000), CLASSIFIER])
    assert "collection of Python objects (xgboost.sklearn.XGBClassifier in it)" in told(data)
    many = pickle.dumps([*range(OPCODES), CLASSIFIER])
    assert "collection of Python objects (xgboost.sklearn.XGBClassifier in it)" in told(many)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_unpickled(tmp_path: Path, protocol: int) -> None:
    """A pickle's code does not run, and none of its modules is imported."""
    trap = pickle.dumps(Trap(tmp_path / "made"), protocol)
    told(trap)
    told(b"\x80\2cantigravity\nfly_off\n.")
    assert "antigravity" not in sys.modules
    assert not (tmp_path / "made").exists()
    pickle.loads(trap)  # noqa: S301 - the trap works
    assert (tmp_path / "made").exists()


def test_a_name_that_python_cannot_have_is_not_shown() -> None:
    """A name that Python cannot have is not printed."""
    for name in ("\x1b[31mred", "a b", "x" * 200, "1"):
        text = told(b"\x80\2c" + name.encode() + b"\nX\n)R.")
        assert name not in text
        assert "no model is named in it" in text


@pytest.mark.parametrize(
    "value", [None, 1, [1, 2], {"a": 1}, "text", b"bytes", 1.5, (), np.arange(9), pytest.param(10**5000, id="long")]
)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_told(value: object, protocol: int) -> None:
    """A pickle of plain values is recognised as having no model."""
    assert "no model is named in it" in told(pickle.dumps(value, protocol))


def test_text_is_no_pickle() -> None:
    """Plain text is not taken for a pickle."""
    for text in (b"cat\ndog\n", b"colour\nred\nsize\n", b"]\n", b"(list)\n", b"}{", b"N.", b"I1\n."):
        assert not told(text).startswith("a pickle")
    assert not told(b"\x80\2\xff").startswith("a pickle")
