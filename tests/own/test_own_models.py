"""A user's own model, from its file to answers over HTTP, with nothing edited. XGBoost's wrapper is the oracle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from contract.certificate import Certificate
from contract.manifest import platform_name
from tests.own.trained import ALL, Own
from tests.support.commands import run_module
from tests.support.service import Service, serving

pytestmark = pytest.mark.long

PINNED = ("--one-row", "walk", "--block-from", "64")  # do not measure
ASKED = 25  # rows
WITH_SETS = {"breast_cancer", "forty_classes", "wide"}  # whose held-out rows show the level of prediction sets
WITH_INTERVALS = {"diabetes", "poisson", "targets", "ranker"}


class Served(NamedTuple):
    """A model, what compiling it printed, its bundle, and the service that answers with it."""

    name: str
    own: Own
    printed: str
    bundle: Path
    service: Service


@pytest.fixture(scope="module", params=ALL)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("own")
    own = ALL[request.param](directory)
    target = "target_0,target_1" if request.param == "targets" else "target"
    bundle = directory / "bundle"
    ran = run_module("compile", own.path, "--out", bundle, "--rows", own.csv, "--target", target, *PINNED)
    assert ran.returncode == 0, ran.stderr
    with serving(bundle) as service:
        yield Served(request.param, own, ran.stdout, bundle, service)


def body(row: npt.NDArray[np.float64], names: list[str]) -> dict[str, float | None]:
    return {name: None if value != value else float(value) for name, value in zip(names, row, strict=True)}


def answers(served: Served) -> list[Any]:
    """Return the documents of the first rows, which were all answered with 200."""
    names = served.own.wrapper.get_booster().feature_names
    replies = [served.service.predict(body(row, names)) for row in served.own.rows[:ASKED]]
    assert {reply.status for reply in replies} == {200}, replies[0].body
    return [reply.document for reply in replies]


def predictions(documents: list[Any]) -> npt.NDArray[np.float64]:
    found = [document["prediction"] for document in documents]
    return np.array([list(each.values()) if isinstance(each, dict) else each for each in found], np.float64)


def test_answers_over_http_are_the_wrappers(served: Served) -> None:
    """The service answers as the wrapper that was trained: predictions, and probabilities if there are any."""
    documents, rows = answers(served), served.own.rows[:ASKED]
    expected = served.own.wrapper.predict(rows)
    np.testing.assert_allclose(predictions(documents), expected, rtol=2e-7, atol=0)
    if "probabilities" in documents[0]:
        found = np.array([list(document["probabilities"].values()) for document in documents])
        np.testing.assert_allclose(found, served.own.wrapper.predict_proba(rows), rtol=3e-7, atol=1e-9)
        assert [document["class"] for document in documents] == [str(label) for label in expected.tolist()]


def test_the_certificate_has_the_held_out_rows(served: Served) -> None:
    """The certificate counts the owner's rows, which were compared with the booster and with the wrapper."""
    certificate = msgspec.json.decode(
        (served.bundle / f"certificate-{platform_name()}.json").read_bytes(), type=Certificate
    )
    assert len(served.own.rows) in certificate.rows.values()
    assert certificate.wrapper_rows >= len(served.own.rows)
    assert certificate.worst_probability_ulp <= 1


def test_answers_are_judged_by_the_held_out_rows(served: Served) -> None:
    """Answers have prediction sets or intervals where the rows show the level, and the model page has the figures."""
    documents = answers(served)
    assert ("prediction_set" in documents[0]) == (served.name in WITH_SETS)
    assert ("interval" in documents[0]) == (served.name in WITH_INTERVALS)
    for document in documents:
        if "prediction_set" in document:
            assert document["class"] in document["prediction_set"]
        if "interval" in document and isinstance(document["prediction"], float):
            low, high = document["interval"]
            assert low < document["prediction"] < high
    model = served.service.request("GET", "/model").document
    assert model["holdout"]["rows"] == len(served.own.rows)
    assert model["holdout"]["figures"]


def test_explanations_add_up(served: Served) -> None:
    """The parts of each margin sum to it, and name every input."""
    names = served.own.wrapper.get_booster().feature_names
    reply = served.service.request("POST", "/explain", msgspec.json.encode(body(served.own.rows[0], names)))
    assert reply.status == 200, reply.body
    document = reply.document
    assert list(document["measurements"]) == list(names)
    for parts in document["contributions"].values():
        assert parts["bias"] + sum(parts["features"].values()) == pytest.approx(parts["margin"], abs=1e-3)


def test_batches_answer_as_single_rows(served: Served) -> None:
    """The Open Inference Protocol gives the same answers for the same rows."""
    rows = served.own.rows[:ASKED].astype(np.float32)
    name = served.service.request("GET", "/model").document["name"]
    data = [[None if value != value else value for value in row] for row in rows.astype(float).tolist()]
    tensor = {"name": "measurements", "datatype": "FP32", "shape": list(rows.shape), "data": data}
    reply = served.service.request("POST", f"/v2/models/{name}/infer", msgspec.json.encode({"inputs": [tensor]}))
    assert reply.status == 200, reply.body
    outputs = {output["name"]: output["data"] for output in reply.document["outputs"]}
    singly = predictions(answers(served)).reshape(-1)
    batch = np.array(outputs["label"] if "label" in outputs else outputs["prediction"], np.float64)
    np.testing.assert_array_equal(
        batch, singly.astype(np.float32).astype(np.float64) if "label" not in outputs else singly
    )


def test_a_faulty_body_is_refused_by_name(served: Served) -> None:
    """A value of a wrong kind and an unknown name get 422, which names them."""
    first = served.own.wrapper.get_booster().feature_names[0]
    assert f"{first}: expected a number, found a string".encode() in served.service.predict({first: "x"}).body
    refused = served.service.predict({"no such input": 1})
    assert (refused.status, b"no such input" in refused.body) == (422, True)
