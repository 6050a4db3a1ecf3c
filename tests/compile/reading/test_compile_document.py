"""No file is half understood: what it holds is known, and survives XGBoost's reading, or it is refused by name."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import xgboost

from compile.reading.document import INSTALLED, read_document
from compile.reading.known_keys import lost
from contract.refusal import Refusal
from tests.compile.models import X, Y, as_ubjson, edited, saved

Edit = Callable[[dict[str, Any]], None]


def objects(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every object of a document with its path; of several in a list, the last."""
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from objects(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from objects(value[-1], f"{path}[{len(value) - 1}]")


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_an_unknown_key_is_refused_wherever_it_stands(tmp_path: Path, suffix: str) -> None:
    """An unknown key at any place of the document is refused."""
    original = json.loads(saved(tmp_path / "model.json").read_bytes())
    places = [path for path, _ in objects(original) if path != "learner.attributes"]
    assert len(places) >= 9
    for place in places:
        document = json.loads(json.dumps(original))
        dict(objects(document))[place]["weight_of_moon"] = [0.5]
        path = tmp_path / f"changed.{suffix}"
        path.write_bytes(json.dumps(document).encode() if suffix == "json" else as_ubjson(document))
        with pytest.raises(Refusal, match="weight_of_moon"):
            read_document(path)


@pytest.mark.parametrize("suffix", ["json", "ubj"])
@pytest.mark.parametrize("place", ["learner.gradient_booster", "learner.gradient_booster.model"])
def test_dart_that_calls_itself_gbtree_is_refused_by_name(tmp_path: Path, place: str, suffix: str) -> None:
    """DART that is saved as gbtree with weights is refused by name."""
    document = json.loads(saved(tmp_path / "model.json").read_bytes())
    dict(objects(document))[place]["weight_drop"] = [0.5, 0.25]
    path = tmp_path / f"dart.{suffix}"
    path.write_bytes(json.dumps(document).encode() if suffix == "json" else as_ubjson(document))
    with pytest.raises(Refusal, match="weight_drop: the booster dart"):
        read_document(path)


@pytest.mark.parametrize(
    ("version", "told"),
    [([INSTALLED[0], INSTALLED[1] + 1, 0], "was written by XGBoost"), ([99, 0, 0], "99.0.0"), (None, "does not say")],
)
def test_a_file_of_a_newer_xgboost_is_refused_with_the_way_out(tmp_path: Path, version: Any, told: str) -> None:
    """A file of a newer XGBoost is refused with what to do."""

    def edit(document: dict[str, Any]) -> None:
        document["version"] = version

    path = edited(saved(tmp_path / "model.json"), edit)
    with pytest.raises(Refusal, match=told) as refusal:
        read_document(path)
    assert "make " in str(refusal.value) or version is None


def test_a_newer_objective_is_refused_by_its_name(tmp_path: Path) -> None:
    """An unknown objective is refused by its name."""

    def edit(document: dict[str, Any]) -> None:
        document["learner"]["objective"] = {"name": "reg:newererror", "newer_param": {}}

    path = edited(saved(tmp_path / "model.json"), edit)
    with pytest.raises(Refusal, match="the objective 'reg:newererror'; supported are"):
        read_document(path)


@pytest.mark.parametrize(
    ("parameters", "version", "told"),
    [
        (
            {"objective": "binary:logitraw"},
            [1, 2, 0],
            "binary:logitraw of XGBoost before 1.3, which took the base score",
        ),
        (
            {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
            [3, 1, 3],
            r"leaves that are vectors .* as XGBoost before 3\.2 wrote them",
        ),
    ],
)
def test_what_newer_xgboosts_read_otherwise_is_refused(
    tmp_path: Path, parameters: dict[str, Any], version: list[int], told: str
) -> None:
    """A file of an XGBoost whose answers, or whose format, the installed one does not keep is refused by name."""

    def edit(document: dict[str, Any]) -> None:
        document["version"] = version

    label = np.column_stack([Y, Y]) if "multi_strategy" in parameters else Y
    path = saved(tmp_path / "model.json", parameters, label=label)
    assert read_document(path).version == INSTALLED
    with pytest.raises(Refusal, match=told):
        read_document(edited(path, edit))


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda learner: learner.pop("objective"), id="no objective"),
        pytest.param(lambda learner: learner.update(objective=7), id="objective 7"),
        pytest.param(lambda learner: learner["objective"].update(name=["a"]), id="a list for a name"),
        pytest.param(lambda learner: learner.update(gradient_booster=None), id="no booster"),
        pytest.param(lambda learner: learner["gradient_booster"].update(model=[1]), id="an array for a model"),
        pytest.param(lambda learner: learner["gradient_booster"]["model"].update(trees=[1]), id="a number for a tree"),
        pytest.param(lambda learner: learner["gradient_booster"]["model"].update(trees={}), id="no list of trees"),
        pytest.param(lambda learner: learner.update(learner_model_param=[]), id="no parameters"),
        pytest.param(lambda learner: learner["learner_model_param"].update(num_class="many"), id="many classes"),
    ],
)
def test_a_document_of_another_shape_is_refused(tmp_path: Path, edit: Edit) -> None:
    """A document of another shape is refused with one line that names the file."""
    path = edited(saved(tmp_path / "model.json"), lambda document: edit(document["learner"]))
    with pytest.raises(Refusal, match=r"model\.json") as refusal:
        read_document(path)
    assert "\n" not in str(refusal.value)


def test_a_file_that_two_readers_understand_in_two_ways_is_refused(tmp_path: Path) -> None:
    """A document with a repeated key is refused."""
    path = saved(tmp_path / "model.json")
    path.write_bytes(path.read_bytes().replace(b'"learner":', b'"learner":{},"learner":', 1))
    with pytest.raises(Refusal, match="stands twice"):
        read_document(path)


def test_bytes_after_the_end_are_refused(tmp_path: Path) -> None:
    """A document with bytes after its end is refused."""
    path = saved(tmp_path / "model.ubj")
    path.write_bytes(path.read_bytes() + b"T")
    with pytest.raises(Refusal, match="follow the end"):
        read_document(path)


def test_every_value_that_reading_changes_is_named() -> None:
    """A value that XGBoost's reading changes is named; numbers are compared as float32."""
    learner = json.loads(bytes(xgboost.train({}, xgboost.DMatrix(X, Y), 1).save_raw("json")))["learner"]

    def found(path: tuple[str, ...], value: Any) -> str | None:
        changed = msgspec.json.decode(msgspec.json.encode({"learner": learner}))
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return lost(changed, {"learner": learner})

    assert found(("learner", "learner_model_param", "base_score"), "0.5") is not None
    assert found(("learner", "learner_model_param", "base_score"), learner["learner_model_param"]["base_score"]) is None
    assert found(("learner", "learner_model_param", "num_class"), "00") is None
    assert "num_class" in str(found(("learner", "learner_model_param", "num_class"), "3"))
    assert "feature_names" in str(found(("learner", "feature_names"), ["a"]))
    assert found(("learner", "objective", "reg_loss_param", "scale_pos_weight"), "2") is None
    assert "attributes" in str(found(("learner", "attributes"), {"best_iteration": "0"}))
    one = {"learner": {"learner_model_param": {"base_score": "0.5"}}}
    assert lost(one, {"learner": {"learner_model_param": {"base_score": "[5E-1,5E-1,5E-1]"}}}) is None
    assert "becomes '[5E-1,6E-1]'" in str(
        lost(one, {"learner": {"learner_model_param": {"base_score": "[5E-1,6E-1]"}}})
    )
    assert "not there any more" in str(lost(one, {"learner": {"learner_model_param": {}}}))


def test_values_of_trees_are_compared_as_float32(tmp_path: Path) -> None:
    """Values with nine and seventeen digits are equal if their float32 is."""

    def edit(document: dict[str, Any]) -> None:
        tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
        tree["split_conditions"] = [float(f"{value:.17g}") * (1 + 1e-12) for value in tree["split_conditions"]]

    path = edited(saved(tmp_path / "model.json"), edit)
    assert len(read_document(path).content["learner"]["gradient_booster"]["model"]["trees"]) == 2
