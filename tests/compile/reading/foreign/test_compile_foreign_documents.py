"""Text that is no model: JSON, dumps, tables, pages, pointers."""

import json
from pathlib import Path

import pytest

from compile.reading.foreign.sample import HEAD
from tests.compile.reading.foreign.files import CATBOOST_JSON, KINDS, LIGHTGBM, LIGHTGBM_JSON, booster, told


def test_a_configuration_is_told() -> None:
    """A saved configuration is recognised: it has no trees."""
    for parameters in KINDS.values():
        assert told(booster(**parameters).save_config().encode()).startswith("the configuration of a Booster")


@pytest.mark.parametrize(
    ("kind", "form"), [("trees", "text"), ("trees", "json"), ("trees", "dot"), ("linear", "text"), ("linear", "json")]
)
def test_a_dump_is_told(tmp_path: Path, kind: str, form: str) -> None:
    """The file of dump_model is recognised."""
    booster(**KINDS[kind]).dump_model(tmp_path / "dump", dump_format=form)
    assert told((tmp_path / "dump").read_bytes()).startswith("a dump of an XGBoost model, which does not hold all")


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_get_dump_returns_is_told(form: str) -> None:
    """The result of get_dump is recognised, one tree or all."""
    trees = booster().get_dump(dump_format=form)
    assert told(trees[0].encode()).startswith("a dump of an XGBoost model")
    assert told(json.dumps(trees).encode()).startswith("a dump of an XGBoost model")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (CATBOOST_JSON, "a model of CatBoost in JSON"),
        (CATBOOST_JSON[:-1] + b" " * HEAD + b"}", "a model of CatBoost in JSON"),
        (LIGHTGBM, "a model of LightGBM"),
        (LIGHTGBM.replace(b"\n", b"\r\n"), "a model of LightGBM"),
        (LIGHTGBM_JSON, "a model of LightGBM"),
        (b'<?xml version="1.0"?>\n<PMML version="4.3" xmlns="http://www.dmg.org/PMML-4_3">', "a model in PMML"),
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "an error message in XML"),
        (b"<?xml version='1.0'?><svg/>", "an XML document"),
        (b"\n<!DOCTYPE html>\n<html>", "an HTML page, such as a failed download leaves"),
        (b"\xef\xbb\xbf<html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a pointer of Git LFS"),
        (b"outs:\n- md5: 0\n  path: model.json\n", "a pointer of DVC"),
        (b"a,b,c\r\n1,2,3\r\n", "text that looks like a table, such as CSV"),
        ("spécies\tmass\n1\t2\n".encode(), "text that looks like a table"),
        (b"[1, 2]", "text that begins like a JSON list"),
        (b"{}", "a JSON object without the key learner, which every model of XGBoost has (its keys: none)"),
        (
            b'{"a\\n": 1, "b": 2}',
            "a JSON object without the key learner, which every model of XGBoost has (its keys: a?, b);",
        ),
        (b'{"format_version": 2, "bundle_version": "1"}', "the manifest of a bundle"),
        (b'{"class":"org.x.Y","timestamp":1,"paramMap":{"missing":NaN}}\n', "the description of a Spark model"),
        ("hello wörld".encode("utf-16"), "of no kind that is known here"),
        ("hello world".encode("utf-16"), "text in UTF-16"),
    ],
)
def test_other_text_is_told(data: bytes, what: str) -> None:
    """Other text is recognised by its beginning, its keys or its first two lines."""
    assert told(data).startswith(what)
