"""Batches as Triton's own client sends them, held to XGBoost's own answers."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tritonclient.http as triton
import xgboost
from tritonclient.utils import InferenceServerException

from compile.certification.probes import derive_rows
from contract.reading import PENGUINS, read_contract
from tests.support.inference import INFER, assert_protocol_error, request, tensor
from tests.support.service import Service

Rows = npt.NDArray[np.float32]

NAMES = ("probabilities", "label", "margin")
CONTRACT = read_contract(PENGUINS)
LOW, HIGH = zip(*(each.bounds for each in CONTRACT.inputs), strict=True)


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{service.port}", concurrency=4) as client:
        yield client


def birds(count: int, missing: float = 0.0) -> Rows:
    """Make random rows, in which a value is NaN with probability `missing`."""
    generator = np.random.default_rng(count)
    rows = generator.uniform(LOW, HIGH, (count, len(LOW)))
    rows[generator.random(rows.shape) < missing] = np.nan
    return rows.astype(np.float32)


def infer(
    client: triton.InferenceServerClient, rows: Rows, names: tuple[str, ...] = NAMES, binary: bool = True
) -> triton.InferResult:
    given = triton.InferInput("measurements", list(rows.shape), "FP32").set_data_from_numpy(rows, binary_data=binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in names]
    return client.infer("penguin", [given], outputs=outputs or None)


def assert_xgboost_s(result: triton.InferResult, rows: Rows, model: Path) -> None:
    """Check margins bit for bit, labels, and probabilities to one float32 step."""
    features = derive_rows(CONTRACT, rows)
    booster = xgboost.Booster(model_file=model)
    margins = booster.inplace_predict(features, predict_type="margin")
    probabilities = booster.inplace_predict(features)
    assert result.as_numpy("margin").view(np.int32).tolist() == margins.view(np.int32).tolist()
    assert result.as_numpy("label").tolist() == probabilities.argmax(axis=1).tolist()
    steps = result.as_numpy("probabilities").view(np.int32) - probabilities.view(np.int32)
    assert np.abs(steps).max() <= 1


def test_the_server_is_live_ready_and_says_what_it_is(client: triton.InferenceServerClient) -> None:
    """The server answers the paths of the protocol, with a version in them and without."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("penguin")
    assert client.is_model_ready("penguin", "1")
    assert not client.is_model_ready("penguin", "2")
    assert not client.is_model_ready("emu")
    metadata = client.get_server_metadata()
    assert metadata["name"] == "penguins"
    assert metadata["extensions"] == ["binary_tensor_data"]


def test_the_model_says_what_goes_in_and_out(client: triton.InferenceServerClient) -> None:
    """The model's metadata has names, datatypes and shapes, and is the same under the version."""
    metadata = client.get_model_metadata("penguin")
    assert metadata == client.get_model_metadata("penguin", "1")
    assert (metadata["name"], metadata["versions"]) == ("penguin", ["1"])
    assert metadata["inputs"] == [{"name": "measurements", "datatype": "FP32", "shape": [-1, 4]}]
    assert metadata["outputs"] == [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "label", "datatype": "INT32", "shape": [-1]},
        {"name": "margin", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "prediction_set", "datatype": "BOOL", "shape": [-1, 3]},
        {"name": "in_distribution", "datatype": "BOOL", "shape": [-1]},
        {"name": "distance", "datatype": "FP32", "shape": [-1]},
        {"name": "p_values", "datatype": "FP64", "shape": [-1, 3]},
    ]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("count", [1, 7, 4096, 4097])
def test_batches_are_answered_as_xgboost_does(
    client: triton.InferenceServerClient, model_path: Path, count: int, binary: bool
) -> None:
    """Batches of any size and form get XGBoost's answers, on the loop or in a thread."""
    rows = birds(count)
    assert_xgboost_s(infer(client, rows, binary=binary), rows, model_path)


@pytest.mark.parametrize("binary", [True, False])
def test_no_rows_are_a_batch_too(client: triton.InferenceServerClient, binary: bool) -> None:
    """A batch without rows gets empty tensors of the right shapes."""
    result = infer(client, birds(0), binary=binary)
    assert [result.as_numpy(name).shape for name in NAMES] == [(0, 3), (0,), (0, 3)]


def test_a_missing_value_is_xgboost_s(client: triton.InferenceServerClient, model_path: Path) -> None:
    """NaN in a binary tensor gets XGBoost's answer, also in a request of 150,000 rows."""
    rows = birds(150_000, missing=0.2)
    rows[:10] = np.nan
    assert_xgboost_s(infer(client, rows), rows, model_path)


def test_no_bounds_are_checked(client: triton.InferenceServerClient, model_path: Path) -> None:
    """A batch is not checked against bounds: infinities and denormals get XGBoost's answers."""
    values = np.array([-1e30, -1, -0.0, 0, 1e-45, 1, 1e30, np.inf, -np.inf], dtype=np.float32)
    rows = np.random.default_rng(0).choice(values, (1000, 4))
    assert_xgboost_s(infer(client, rows), rows, model_path)


@pytest.mark.parametrize("binary", [True, False])
def test_outputs_come_as_and_when_they_are_asked_for(client: triton.InferenceServerClient, binary: bool) -> None:
    """Outputs have the order of the request; by default they are probabilities and label."""
    rows = birds(3)
    asked = infer(client, rows, ("margin", "label"), binary).get_response()["outputs"]
    assert [output["name"] for output in asked] == ["margin", "label"]
    assert all(("data" in output) != binary for output in asked)
    default = infer(client, rows, ()).get_response()["outputs"]
    assert [output["name"] for output in default] == ["probabilities", "label"]
    assert all("binary_data_size" in output["parameters"] for output in default)


def test_one_output_in_binary_and_one_in_json(client: triton.InferenceServerClient) -> None:
    """The `binary_data` of each output decides its own form."""
    rows = birds(5)
    given = triton.InferInput("measurements", [5, 4], "FP32").set_data_from_numpy(rows, binary_data=False)
    outputs = [
        triton.InferRequestedOutput("margin", binary_data=False),
        triton.InferRequestedOutput("label", binary_data=True),
        triton.InferRequestedOutput("probabilities", binary_data=True),
    ]
    mixed, whole = client.infer("penguin", [given], outputs=outputs), infer(client, rows)
    assert all((mixed.as_numpy(name) == whole.as_numpy(name)).all() for name in NAMES)


def test_the_request_s_id_and_version_come_back(client: triton.InferenceServerClient) -> None:
    """The answer repeats the id and the version of the request, and has no id if the request has none."""
    given = triton.InferInput("measurements", [1, 4], "FP32").set_data_from_numpy(birds(1))
    response = client.infer("penguin", [given], model_version="1", request_id="ring \N{PENGUIN}").get_response()
    assert response["id"] == "ring \N{PENGUIN}"
    assert (response["model_name"], response["model_version"]) == ("penguin", "1")
    assert "id" not in infer(client, birds(1)).get_response()


def test_several_clients_at_once_get_their_own_answers(service: Service, model_path: Path) -> None:
    """Clients that send large and small batches at once get their own answers."""
    failures: list[BaseException] = []

    def ask(count: int) -> None:
        try:
            with triton.InferenceServerClient(f"127.0.0.1:{service.port}") as own:
                for shift in range(5):
                    rows = birds(count + shift)
                    assert_xgboost_s(infer(own, rows), rows, model_path)
        except BaseException as failure:  # noqa: BLE001  # told to the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=ask, args=(count,)) for count in (10, 500, 5000, 20_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_request_is_refused(client: triton.InferenceServerClient, coding: str) -> None:
    """A compressed request gets 415 in the protocol's form, and an answer is never compressed."""
    given = triton.InferInput("measurements", [2, 4], "FP32").set_data_from_numpy(birds(2))
    with pytest.raises(InferenceServerException, match="send it uncompressed") as caught:
        client.infer("penguin", [given], request_compression_algorithm=coding)
    assert caught.value.status() == "415"
    assert client.infer("penguin", [given], response_compression_algorithm=coding).as_numpy("label").shape == (2,)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/",
        "/v2/models",
        "/v2/models/emu",
        "/v2/models/emu/infer",
        "/v2/models/emu/versions/1/ready",
        f"{INFER}/",
        "/v2/models/penguin/versions/2/infer",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_model_version_or_path(service: Service, method: str, path: str) -> None:
    """Another model, version or path gets 404, which names the model and the version that exist."""
    assert_protocol_error(service.request(method, path, b"{}"), 404, "the model is penguin, its version 1")


@pytest.mark.parametrize(("method", "path", "allowed"), [("GET", INFER, "POST"), ("POST", "/v2/models/penguin", "GET")])
def test_another_method_of_the_protocol_s_paths(service: Service, method: str, path: str, allowed: str) -> None:
    """Another method gets 405 with Allow, in the protocol's form."""
    reply = service.request(method, path)
    assert_protocol_error(reply, 405, "Allow")
    assert allowed in reply.headers["allow"]


def test_flat_and_nested_json_are_the_same(service: Service) -> None:
    """Nested JSON gets the same flat answer as flat JSON."""
    row = [39.1, 18.7, 181, 3750]
    flat = service.request("POST", INFER, request(tensor(data=row)))
    nested = service.request("POST", INFER, request(tensor(data=[row])))
    assert flat.body == nested.body
    probabilities, label = flat.document["outputs"]
    assert (label["datatype"], label["shape"], label["data"]) == ("INT32", [1], [2])
    assert (probabilities["shape"], len(probabilities["data"])) == ([1, 3], 3)
