"""GET /openapi.json: an OpenAPI 3.1 document, generated from the types that decode requests and encode answers."""

from typing import Any

import msgspec

from app.core.answer import Health, Problem
from app.core.protocol import (
    HEADER_NAME,
    MODEL_VERSION,
    InferenceRequest,
    InferenceResponse,
    ModelMetadata,
    ModelReady,
    ProtocolError,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from app.core.query import INTERACTIONS
from app.docs import cards, schemas
from app.docs.tables import P_VALUES_ASKED, score
from app.model.about import ModelAnswer
from app.model.comparison import ComparisonReport
from app.model.serving import Served
from contract.schema import Contract
from contract.training import KnownRows

VERSION = "1.0.0"  # of the API
UNAVAILABLE = "No model is loaded; `Retry-After`, if present, says after how many seconds to try again"
OVERLOADED = (
    "No model is loaded, or the server is overloaded; `Retry-After`, if present, says after how many seconds to try "
    "again"
)
RATE = "The client sent requests faster than it may; `Retry-After` says after how many seconds to try again"
BINARY_REQUEST = (
    "An inference request in JSON, then the binary data of its tensors. The header `Inference-Header-Content-Length` "
    "is the length of the JSON in bytes. Each tensor has `binary_data_size` bytes: FP32, little-endian, row by row"
)
BINARY_RESPONSE = (
    "An inference response in JSON, then the binary data of the outputs that the request asked for with `binary_data` "
    "or `binary_data_output`, in the order of `outputs`. The header `Inference-Header-Content-Length` is the length of "
    "the JSON in bytes. FP32 or INT32, little-endian, row by row"
)
PROBLEMS = {
    "400": (
        "A number is out of bounds: `detail` names the field, its value and the bound; `suggestion`, if present, "
        "is a corrected body"
    ),
    "408": "The request did not arrive in time",
    "413": "The body is too large",
    "415": "The Content-Type is not JSON, or the body has a Content-Encoding",
    "422": "The body is not a JSON object with a value of the right kind for each input: `errors` lists what is wrong",
    "429": RATE,
    "503": OVERLOADED,
}
INFERENCE_ERRORS = {
    "400": "The body is not an inference request for this model: `error` says what was expected and what was found",
    "408": "A large body did not arrive in time",
    "413": "The body has too many bytes or rows",
    "415": "The body has a Content-Encoding",
    "429": RATE,
    "503": OVERLOADED,
}
HEADER_LENGTH = {
    "name": HEADER_NAME,
    "in": "header",
    "description": "The length in bytes of the JSON before the binary data; if absent, the whole body is JSON",
    "schema": {"type": "integer", "minimum": 0},
}
INTERACTIONS_ASKED = schemas.asked(
    INTERACTIONS, "Whether the explanation also says how features act together. A large model is answered with 422"
)
TAGS = {  # groups of operations, by the start of their paths
    "/v2": ("Open Inference Protocol", "The same model by the protocol of KServe and Triton: many rows at once."),
    "/health": ("Health", "For load balancers and orchestrators."),
    "/model": ("Model", "What is served."),
    "/challenger": ("Model", "What is served."),
    "/": ("Answers", "What the model says about a row, and why."),
}
TYPES = (
    *(ModelAnswer, KnownRows, ComparisonReport, Health, Problem),
    *(InferenceRequest, InferenceResponse, ProtocolError),
    *(ServerMetadata, ServerLive, ServerReady, ModelMetadata, ModelReady),
)


def openapi(served: Served) -> dict[str, Any]:
    """Return the OpenAPI document of all routes for the model that is served, to be encoded as JSON."""
    document = _document(served)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["tags"] = [next(name for start, (name, _) in TAGS.items() if path.startswith(start))]
    tags = dict(reversed(TAGS.values()))  # the answers first
    return {**document, "tags": [{"name": name, "description": text} for name, text in tags.items()]}


def _document(served: Served) -> dict[str, Any]:
    contract, p_values = served.contract, served.answers.parts.p_values is not None
    references, components = msgspec.json.schema_components(TYPES, ref_template="#/components/schemas/{name}")
    model, rows, challenger, health, problem, *protocol = references
    of_model = {
        "Measurements": schemas.measurements(contract),
        "PredictionAnswer": schemas.prediction(contract, served.answers.parts.judged, p_values=p_values),
        "ExplanationAnswer": schemas.explanation(contract, p_values=p_values),
    }
    measurements, prediction, explanation = ({"$ref": f"#/components/schemas/{name}"} for name in of_model)
    unavailable = {"503": _response(UNAVAILABLE, "application/problem+json", problem)}
    no_challenger = {"404": _response("CHALLENGER_URI is not set", "application/problem+json", problem)}
    no_rows = {"404": _response("The bundle has no known rows", "application/problem+json", problem)} | unavailable
    return {
        "openapi": "3.1.0",
        "info": {
            "title": contract.title or contract.name,
            "version": VERSION,
            "summary": contract.summary or f"The answers of the model {contract.name}.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/predict": {"post": _predict(contract, measurements, prediction, problem)},
            "/explain": {"post": _explain(contract, measurements, explanation, problem)},
            "/score": {"post": score(served, problem)},
            "/model": {
                "get": _get("model", "The model that is served, and what it was built from", model, unavailable)
            },
            "/model/rows": {
                "get": _get("rows", "Rows with known answers that the model's owner published", rows, no_rows)
            },
            **{f"/model/{path}": {"get": cards.card(path, problem)} for path in cards.SUMMARIES},
            "/challenger": {
                "get": _get("challenger", "How far a second model agrees with this one", challenger, no_challenger)
            },
            "/health/live": {"get": _get("live", "The process answers", health)},
            "/health/ready": {
                "get": _get("ready", "A model is loaded, and the server is not stopping", health, unavailable)
            },
            **_protocol_paths(served, *protocol),
        },
        "components": {"schemas": {**of_model, **_ecmascript(components)}},
    }


def _ecmascript(schema: Any) -> Any:
    r"""Return a schema whose patterns end with $, as JSON Schema has it, and not with Python's \Z."""
    if isinstance(schema, dict):
        return {key: _ending(value) if key == "pattern" else _ecmascript(value) for key, value in schema.items()}
    return [_ecmascript(each) for each in schema] if isinstance(schema, list) else schema


def _ending(pattern: Any) -> Any:
    return pattern.replace(r"\Z", "$") if isinstance(pattern, str) else _ecmascript(pattern)


def _predict(contract: Contract, measurements: Any, prediction: Any, problem: Any) -> dict[str, Any]:
    example = schemas.example(contract)
    return {
        "operationId": "predict",
        "summary": f"The answer for one {contract.row}",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": measurements, "example": example}},
        },
        "responses": {
            "200": _response("The answer", "application/json", prediction),
            **{status: _response(text, "application/problem+json", problem) for status, text in PROBLEMS.items()},
        },
        "parameters": [P_VALUES_ASKED],
    }


def _explain(contract: Contract, measurements: Any, explanation: Any, problem: Any) -> dict[str, Any]:
    """Return the description of POST /explain: that of POST /predict with another response."""
    operation = _predict(contract, measurements, explanation, problem)
    explained = _response("Which changes would change the answer, and why it is so", "application/json", explanation)
    no_trees = _response("The bundle has no trees, which an explanation needs", "application/problem+json", problem)
    return {
        **operation,
        "operationId": "explain",
        "parameters": [INTERACTIONS_ASKED],
        "summary": f"The explanation of the answer for one {contract.row}",
        "responses": {**operation["responses"], "200": explained, "501": no_trees},
    }


def _protocol_paths(
    served: Served,
    request: Any,
    response: Any,
    error: Any,
    server: Any,
    live: Any,
    ready: Any,
    model: Any,
    model_ready: Any,
) -> dict[str, Any]:
    """Return the paths of the Open Inference Protocol. Those of the model exist without and with its version."""
    paths: dict[str, Any] = {
        "/v2": {"get": _get("server_metadata", "The server, and the protocol extensions that it supports", server)},
        "/v2/health/live": {"get": _get("server_live", "The process answers", live)},
        "/v2/health/ready": {"get": _get("server_ready", "A model is loaded", ready)},
    }
    own = served.protocol.path
    for path, suffix in ((own, ""), (f"{own}/versions/{MODEL_VERSION}", "_version")):
        paths[path] = {"get": _get(f"model_metadata{suffix}", "The model's tensors", model)}
        paths[f"{path}/ready"] = {"get": _get(f"model_ready{suffix}", "The model is loaded", model_ready)}
        paths[f"{path}/infer"] = {"post": _infer(served, f"infer{suffix}", request, response, error)}
    return paths


def _infer(served: Served, name: str, request: Any, response: Any, error: Any) -> dict[str, Any]:
    example = {"inputs": schemas.example_tensors(served.contract, served.protocol)}
    answer = _response("The outputs that the request asked for", "application/json", response)
    return {
        "operationId": name,
        "summary": "The answers for many rows, by the Open Inference Protocol; bounds are not checked",
        "parameters": [HEADER_LENGTH],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request, "example": example}, **_octets(BINARY_REQUEST)},
        },
        "responses": {
            "200": {**answer, "content": {**answer["content"], **_octets(BINARY_RESPONSE)}},
            **{status: _response(text, "application/json", error) for status, text in INFERENCE_ERRORS.items()},
        },
    }


def _octets(text: str) -> dict[str, Any]:
    return {"application/octet-stream": {"schema": {"description": text}}}


def _get(name: str, summary: str, schema: Any, others: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _response(summary, "application/json", schema), **(others or {})},
    }


def _response(description: str, media_type: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}
