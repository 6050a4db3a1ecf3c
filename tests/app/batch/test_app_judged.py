"""Batches of models of every kind: their outputs, what they are judged by, and missing values."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton

from tests.support.apples import KINDS, Compiled, Rows, document_of
from tests.support.inference import assert_protocol_error
from tests.support.service import Service, serving
from tests.support.tensors import TYPES, json_tensors, tensors

INFER = "/v2/models/apple/infer"
VALUES = {  # the tensors of each kind with their datatypes and shapes; those before the margin are sent by default
    "classes": {"probabilities": ("FP32", 3), "label": ("INT32", 0), "margin": ("FP32", 3)},
    "binary": {"probabilities": ("FP32", 2), "label": ("INT32", 0), "margin": ("FP32", 1)},
    "label": {"label": ("INT32", 0), "margin": ("FP32", 1)},
    "number": {"prediction": ("FP32", 0), "margin": ("FP32", 1)},
    "numbers": {"prediction": ("FP32", 3), "margin": ("FP32", 3)},
}
SETS = {"classes": {"prediction_set": ("BOOL", 3)}, "binary": {"prediction_set": ("BOOL", 2)}}
DISTANCES = {"in_distribution": ("BOOL", 0), "distance": ("FP32", 0)}
JUDGED = {kind: SETS.get(kind, {}) | (DISTANCES if kind in ("classes", "label", "number") else {}) for kind in KINDS}


class Running:
    """A service of apples of one kind."""

    def __init__(self, service: Service, apple: Compiled) -> None:
        self.service = service
        self.apple = apple
        self.outputs = VALUES[apple.kind] | JUDGED[apple.kind]

    def infer(self, rows: Rows, names: tuple[str, ...], binary: bool) -> dict[str, Any]:
        """Ask as Triton's client does, and return the tensors by name."""
        given = tensors(self.apple.contract, rows, binary)
        outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in names]
        with triton.InferenceServerClient(f"127.0.0.1:{self.service.port}") as client:
            result = client.infer("apple", given, outputs=outputs or None)
        return {output["name"]: result.as_numpy(output["name"]) for output in result.get_response()["outputs"]}


@pytest.fixture(scope="module", params=KINDS)
def running(request: pytest.FixtureRequest, apples: Callable[[str], Compiled]) -> Iterator[Running]:
    apple = apples(request.param)
    with serving(apple.bundle_path) as service:
        yield Running(service, apple)


def test_the_metadata_list_all_outputs(running: Running) -> None:
    """The metadata list the outputs of this kind, with those that the bundle can judge answers by at the end."""
    document = running.service.request("GET", "/v2/models/apple").document
    assert document["name"] == "apple"
    assert document["inputs"] == [
        {"name": each.name, "datatype": TYPES[each.kind], "shape": [-1]} for each in running.apple.contract.inputs
    ]
    assert document["outputs"] == [
        {"name": name, "datatype": datatype, "shape": [-1, columns] if columns else [-1]}
        for name, (datatype, columns) in running.outputs.items()
    ]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("count", [0, 1, 70])
def test_every_output_comes_on_request(running: Running, binary: bool, count: int) -> None:
    """Each output has its datatype and shape in JSON and in binary, and nobody gets a judgement unasked."""
    rows = running.apple.rows(count, missing=0.2 if binary else 0)
    found = running.infer(rows, tuple(running.outputs), binary)
    for name, (datatype, columns) in running.outputs.items():
        kind = {"FP32": np.float32, "INT32": np.int32, "BOOL": np.bool_}[datatype]
        assert (found[name].dtype, found[name].shape) == (kind, (count, columns) if columns else (count,))
    default = running.infer(rows, (), binary)
    assert list(default) == list(VALUES[running.apple.kind])[:-1]
    for name, values in default.items():
        assert np.array_equal(values, found[name])


@pytest.mark.parametrize("binary", [True, False])
def test_a_batch_says_what_predict_says(running: Running, binary: bool) -> None:
    """Values, sets and distances are those of POST /predict for the same rows."""
    apple, rows = running.apple, running.apple.rows(12, seed=3, missing=0.4 if binary else 0)
    found = running.infer(rows, tuple(running.outputs), binary)
    output = apple.contract.output
    for number, row in enumerate(rows):
        answer = running.service.predict(document_of(apple.contract, row)).document
        if output.classed:
            assert found["label"][number] == answer["prediction"]
        if output.kind == "classes":
            assert found["probabilities"][number].tolist() == pytest.approx(list(answer["probabilities"].values()))
        if output.kind in ("number", "numbers"):
            expected = answer["prediction"]
            values = list(expected.values()) if isinstance(expected, dict) else [expected]
            assert found["prediction"][number].ravel().tolist() == values
        if "prediction_set" in found:
            members = [
                name for name, inside in zip(output.classes, found["prediction_set"][number], strict=True) if inside
            ]
            assert members == answer["prediction_set"]
        if "distance" in found:
            distance = float(found["distance"][number])
            assert (distance if np.isfinite(distance) else None) == answer["distance"]
            assert bool(found["in_distribution"][number]) == answer["in_distribution"]


def test_null_is_missing_in_json(running: Running) -> None:
    """null in JSON is the missing value of an input that may be missing, and an infinite distance is null."""
    rows = running.apple.rows(8, seed=4, missing=0.5)
    given = json_tensors(running.apple.contract, rows)
    outputs = [{"name": name} for name in running.outputs]
    reply = running.service.request("POST", INFER, json.dumps({"inputs": given, "outputs": outputs}).encode())
    assert reply.status == 200, reply.body
    expected = running.infer(rows, tuple(running.outputs), binary=True)
    for output in reply.document["outputs"]:
        values = expected[output["name"]].ravel().tolist()
        assert output["data"] == [None if value in (float("inf"),) else value for value in values]


@pytest.mark.parametrize("suffix", ["", "/ready", "/infer", "/versions/1", "/versions/1/infer"])
def test_the_name_of_another_model_is_refused(running: Running, suffix: str) -> None:
    """The name in the contract is the only one: the penguins' paths are answered with 404 here."""
    method, body = ("POST", b"{}") if suffix.endswith("infer") else ("GET", None)
    reply = running.service.request(method, f"/v2/models/penguin{suffix}", body)
    assert_protocol_error(reply, 404, "the model is apple, its version 1")
    assert running.service.request(method, f"/v2/models/apple{suffix}", body).status == (400 if body else 200)


def test_an_output_that_this_model_has_not(running: Running) -> None:
    """An output of another kind of model is refused, and the refusal lists those that exist."""
    missing = {"probabilities", "prediction", "label", "prediction_set", "distance"} - running.outputs.keys()
    for name in missing:
        given = json_tensors(running.apple.contract, running.apple.rows(0))
        body = json.dumps({"inputs": given, "outputs": [{"name": name}]}).encode()
        expected = f"expected any of {', '.join(running.outputs)}, each once, found {name}"
        assert_protocol_error(running.service.request("POST", INFER, body), 400, expected)
