"""P-values on request: the same ones whatever way is asked, at no cost to those who do not ask."""

import json
from collections.abc import Callable, Iterator
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tritonclient.http as triton
from hypothesis import given
from hypothesis import strategies as st

from app.model.serving import Served
from contract.uncertainty import PERCENTS, Uncertainty
from evaluation.p_values import p_value_sets, p_values
from score.bundle import Bundle
from score.judged import SLICE_ROWS, PValues
from tests.support.apples import APPLE, Compiled
from tests.support.commands import EXAMPLE
from tests.support.service import Reply, Service, serving
from tests.support.tables import ask, served_of

NAMES = ("no", "yes", "perhaps")
JSON = {"content-type": "application/json"}
FIELDS = ["p_values", "p_value_sets"]
shares = st.floats(0, 1, width=32)


@pytest.fixture(scope="module")
def served(bundle: Bundle) -> Served:
    return served_of(bundle)


@pytest.fixture(scope="module", params=["classes", "number"])
def without(request: pytest.FixtureRequest, apples: Callable[[str], Compiled]) -> Iterator[Service]:
    """A service of a model that has no p-values."""
    with serving(apples(request.param).bundle_path) as service:
        yield service


@given(
    st.lists(st.lists(shares, min_size=1, max_size=40), min_size=3, max_size=3),
    st.lists(st.tuples(shares, shares, shares), max_size=9),
)
def test_the_service_computes_what_evaluation_does(own: list[list[float]], rows: list[tuple[float, ...]]) -> None:
    """One row at a time, in columns and in rows, p-values have the bits of numpy, and sets the same members."""
    calibration = {name: tuple(sorted(each)) for name, each in zip(NAMES, own, strict=True)}
    rows += [(own[0][0], own[1][0], own[2][0])]  # equal to what it was calibrated with
    asked = np.array(rows, np.float32)
    found, expected = PValues(calibration), p_values(asked, calibration)
    one_by_one = [dict(zip(NAMES, row, strict=True)) for row in asked.tolist()]
    assert [[*found.of(row).values()] for row in one_by_one] == expected.tolist()
    packed = bytearray(asked.tobytes())
    assert [found.column(packed, place).tolist() for place in range(3)] == expected.T.tolist()
    assert np.array_equal(np.frombuffer(found.rows(packed)).reshape(-1, 3), expected)
    for percent in PERCENTS:
        members = p_value_sets(asked, calibration, percent)
        expected_names = [[name for name, inside in zip(NAMES, row, strict=True) if inside] for row in members]
        assert [found.sets(row)[f"{percent / 100:g}"] for row in one_by_one] == expected_names


def test_what_is_no_number_has_no_p_value() -> None:
    """A probability that is NaN has no p-value, and is in no set; its neighbours keep theirs, in the next slice too."""
    found = PValues(dict.fromkeys(NAMES, (0.25, 0.5, 0.75)))
    assert found.of({"no": nan, "yes": 0.5, "perhaps": 0.0}) == {"no": None, "yes": 0.75, "perhaps": 0.25}
    assert found.sets({"no": nan, "yes": 0.5, "perhaps": 0.0})["0.8"] == ["yes", "perhaps"]
    rows = np.full((SLICE_ROWS + 2, 3), 0.5, np.float32)
    rows[[1, -1], 0] = nan
    made = np.frombuffer(found.rows(bytearray(rows.tobytes()))).reshape(-1, 3)
    assert np.isnan(made[[1, -1], 0]).all()
    assert np.isnan(made).sum() == 2
    assert np.nanmin(made) == np.nanmax(made) == 0.75


def test_a_bundle_without_calibration_has_none(bundle: Bundle) -> None:
    """What an older training wrote has no calibration, and gives no p-values."""
    assert bundle.uncertainty is not None
    assert PValues.by(bundle.uncertainty) is not None
    older = Uncertainty(bundle.uncertainty.model_sha256, 0.95, bundle.uncertainty.evidence)
    assert PValues.by(older) is PValues.by(None) is None


def predict(service: Service, query: str, body: dict[str, Any] = EXAMPLE, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.request("POST", f"/predict{query}", json.dumps(body).encode(), {**JSON, **named})


def test_a_prediction_has_them_if_asked(service: Service, bundle: Bundle) -> None:
    """The query adds two fields, whose numbers follow from the probabilities, and changes no other."""
    plain, asked = predict(service, "").document, predict(service, "?p_values=true").document
    assert list(asked) == [*plain, *FIELDS]
    assert {name: asked[name] for name in plain} == plain
    assert bundle.uncertainty is not None
    calibration = bundle.uncertainty.calibration
    row = np.array([[*plain["probabilities"].values()]], np.float32)
    assert [*asked["p_values"].values()] == p_values(row, calibration)[0].tolist()
    assert list(asked["p_value_sets"]) == ["0.8", "0.9", "0.95", "0.99"]
    for level, members in asked["p_value_sets"].items():
        assert members == [name for name, found in asked["p_values"].items() if found > 1 - float(level)]


@pytest.mark.parametrize(
    "query", ["?p_values=false", "?other=1", "?", "?p_values=true&p_values=false", "?p_value=true"]
)
def test_other_queries_change_nothing(service: Service, query: str) -> None:
    """A query that does not ask for p-values is answered as none is; the last of two values wins."""
    assert predict(service, query).body == predict(service, "").body


@pytest.mark.parametrize("value", ["yes", "", "1", "TRUE", "%00", "true%20", "x" * 100, "%ff", "'"])
@pytest.mark.parametrize("path", ["/predict", "/score"])
def test_a_value_that_is_neither_is_refused(service: Service, path: str, value: str) -> None:
    """Another value than true and false is named in a 400, shortly."""
    reply = service.request("POST", f"{path}?p_values={value}", json.dumps([EXAMPLE]).encode(), JSON)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    assert reply.document["detail"].startswith("p_values: expected true or false, found ")
    assert len(reply.body) < 400


def test_a_faulty_body_is_refused_as_without(service: Service) -> None:
    """A bird that POST /predict refuses is refused in the same words."""
    for body in ({}, {**EXAMPLE, "body_mass_g": 3.75}):
        asked, plain = predict(service, "?p_values=true", body), predict(service, "", body)
        assert asked.status == plain.status in (400, 422)
        assert asked.body == plain.body
    assert service.request("GET", "/predict?p_values=true").status == 405


def test_a_receipt_comes_with_them(service: Service) -> None:
    """Who asks for a receipt and for p-values gets both."""
    reply = predict(service, "?p_values=true", prefer="server-timing")
    assert "server-timing" in reply.headers
    assert reply.body == predict(service, "?p_values=true").body


def test_an_explanation_always_has_them(service: Service) -> None:
    """POST /explain has the fields that POST /predict has on request."""
    asked = predict(service, "?p_values=true").document
    explained = service.request("POST", "/explain", json.dumps(EXAMPLE).encode(), JSON).document
    assert {name: explained[name] for name in FIELDS} == {name: asked[name] for name in FIELDS}


birds = st.fixed_dictionaries(
    {
        "bill_length_mm": st.floats(30, 60),
        "bill_depth_mm": st.floats(12, 22),
        "flipper_length_mm": st.floats(170, 235),
        "body_mass_g": st.floats(2500, 6500),
    }
)


@given(st.lists(birds, max_size=5))
def test_a_table_has_the_p_values_of_its_rows(served: Served, rows: list[dict[str, float]]) -> None:
    """Columns of p-values have the digits of POST /predict, come before the reason, and a faulty row has none."""
    answer = ask(served, json.dumps([*rows, {}]), "json", p_values=True)
    *found, faulty = json.loads(answer.body)
    columns = [f"p_value_{name}" for name in served.contract.output.classes]
    assert list(faulty)[-4:] == [*columns, "reason"]
    assert [faulty[name] for name in columns] == [None] * 3
    for document, row in zip(found, rows, strict=True):
        expected = json.loads(served.answers.with_p_values.predict(json.dumps(row).encode()).body)["p_values"]
        assert [document[name] for name in columns] == [*expected.values()]
    plain = json.loads(ask(served, json.dumps([*rows, {}]), "json").body)
    assert [{name: row[name] for name in row if name not in columns} for row in [*found, faulty]] == plain


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("count", [0, 1, 4097])
def test_a_batch_has_them_if_their_tensor_is_named(service: Service, bundle: Bundle, binary: bool, count: int) -> None:
    """The output p_values is FP64, rows x classes, of the probabilities of the same answer; it comes only if named."""
    random = np.random.default_rng(count)
    rows = random.uniform([32, 13, 172, 2700], [60, 21, 231, 6300], (count, 4)).astype(np.float32)
    given_rows = triton.InferInput("measurements", list(rows.shape), "FP32")
    given_rows.set_data_from_numpy(rows, binary_data=binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("p_values", "probabilities")]
    with triton.InferenceServerClient(f"127.0.0.1:{service.port}") as client:
        result = client.infer("penguin", [given_rows], outputs=outputs)
        default = client.infer("penguin", [given_rows]).get_response()["outputs"]
    found: npt.NDArray[Any] = result.as_numpy("p_values")
    assert (found.dtype.name, found.shape) == ("float64", (count, 3))
    assert bundle.uncertainty is not None
    assert np.array_equal(found, p_values(result.as_numpy("probabilities"), bundle.uncertainty.calibration))
    assert [each["name"] for each in default] == ["probabilities", "label"]


def test_a_model_without_them_says_what_to_do(without: Service) -> None:
    """Each way to ask is answered with 400 and what to do; an explanation, and who does not ask, gets an answer."""
    body, model = json.dumps(APPLE).encode(), without.request("GET", "/model").document
    advice = (
        "python -m compile MODEL --rows" if "classes" in model["contract"]["output"] else "found one of kind number"
    )
    for path, sent in (("/predict", body), ("/score", b"[%b]" % body)):
        assert without.request("POST", path, sent, JSON).status == 200
        reply = without.request("POST", f"{path}?p_values=true", sent, JSON)
        assert (reply.status, reply.headers["model-version"]) == (400, model["version"])
        assert advice in reply.document["detail"]
    batch = json.dumps({"inputs": [], "outputs": [{"name": "p_values"}]}).encode()
    reply = without.request("POST", "/v2/models/apple/infer", batch, JSON)
    assert reply.status == 400
    assert advice in reply.document["error"]
    assert not set(FIELDS) & set(without.request("POST", "/explain", body, JSON).document)


def test_the_description_of_the_model_has_no_calibration(service: Service) -> None:
    """GET /model has what was measured of p-values, and not the numbers that they are made from."""
    uncertainty = service.request("GET", "/model").document["uncertainty"]
    assert "calibration" not in uncertainty
    assert [each["level"] for each in uncertainty["evidence"]["levels"]] == [0.8, 0.9, 0.95, 0.99]
