"""GET /openapi.json: OpenAPI 3.1, generated from the types that decode and describe."""

from typing import Any

import msgspec

from app.about import ModelAnswer
from app.answer import Health, PredictionAnswer, Problem
from app.challenger import ChallengerAnswer
from app.explain import ExplanationAnswer
from app.protocol import (
    INPUT,
    MODEL_PATH,
    VERSION_PATH,
    InferenceRequest,
    InferenceResponse,
    ModelMetadata,
    ModelReady,
    ProtocolError,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from contract.measurements import MEASUREMENTS, Measurements

VERSION = "1.0.0"  # of the API
UNAVAILABLE = "No model is loaded; `Retry-After` says when to come again"
PROBLEMS = {
    "400": "A value that no penguin has: `detail` names field, value and bound; a `suggestion` mends it",
    "408": "The request did not arrive in time",
    "413": "The body is too large",
    "415": "The body is said to be other than JSON, or has a Content-Encoding",
    "422": "A body that is not four numbers: `errors` lists every faulty field",
    "429": "More than one client may ask: `Retry-After` says when to come again",
    "503": f"{UNAVAILABLE}, as it does under overload",
}
INFERENCE_ERRORS = {
    "400": "Not an inference request for this model: `error` says what was expected and what was found",
    "408": "A large body did not arrive in time",
    "413": "Too many bytes or rows",
    "415": "The body has a Content-Encoding",
    "429": "More than one client may ask: `Retry-After` says when to come again",
    "503": f"{UNAVAILABLE}, as it does under overload",
}
TYPES = (
    ExplanationAnswer,
    *(Measurements, PredictionAnswer, ModelAnswer, ChallengerAnswer, Health, Problem),
    *(InferenceRequest, InferenceResponse, ProtocolError),
    *(ServerMetadata, ServerLive, ServerReady, ModelMetadata, ModelReady),
)


def openapi() -> dict[str, Any]:
    """The document."""
    references, schemas = msgspec.json.schema_components(TYPES, ref_template="#/components/schemas/{name}")
    explanation, measurements, prediction, model, challenger, health, problem, *protocol = references
    unavailable = {"503": _response(UNAVAILABLE, "application/problem+json", problem)}
    none = {"404": _response("CHALLENGER_URI is not set", "application/problem+json", problem)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Penguin species",
            "version": VERSION,
            "summary": "The species of a penguin from four measurements.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/predict": {"post": _predict(measurements, prediction, problem)},
            "/explain": {"post": _explain(measurements, explanation, problem)},
            "/model": {"get": _get("model", "What is being served, and what it was made from", model, unavailable)},
            "/challenger": {"get": _get("challenger", "How far a second model agrees", challenger, none)},
            "/health/live": {"get": _get("live", "The process answers", health)},
            "/health/ready": {
                "get": _get("ready", "A model is loaded and predictions are answered", health, unavailable)
            },
            **_protocol_paths(*protocol),
        },
        "components": {"schemas": schemas},
    }


def _predict(measurements: Any, prediction: Any, problem: Any) -> dict[str, Any]:
    example = {measurement.name: measurement.example for measurement in MEASUREMENTS}
    return {
        "operationId": "predict",
        "summary": "The species of one bird",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": measurements, "example": example}},
        },
        "responses": {
            "200": _response("The most probable species", "application/json", prediction),
            **{status: _response(text, "application/problem+json", problem) for status, text in PROBLEMS.items()},
        },
    }


def _explain(measurements: Any, explanation: Any, problem: Any) -> dict[str, Any]:
    """As POST /predict, with another answer."""
    operation = _predict(measurements, explanation, problem)
    found = _response("What would change the answer, and what made it", "application/json", explanation)
    missing = _response("The bundle has no trees to explain by", "application/problem+json", problem)
    return {
        **operation,
        "operationId": "explain",
        "summary": "What would change the answer for one bird, and what made it",
        "responses": {**operation["responses"], "200": found, "501": missing},
    }


def _protocol_paths(
    request: Any, response: Any, error: Any, server: Any, live: Any, ready: Any, model: Any, model_ready: Any
) -> dict[str, Any]:
    """The Open Inference Protocol, and the model's paths once more with the version in them."""
    paths: dict[str, Any] = {
        "/v2": {"get": _get("server_metadata", "The server and its extensions of the protocol", server)},
        "/v2/health/live": {"get": _get("server_live", "The process answers", live)},
        "/v2/health/ready": {"get": _get("server_ready", "A model is loaded", ready)},
    }
    for path, suffix in ((MODEL_PATH, ""), (VERSION_PATH, "_version")):
        paths[path] = {"get": _get(f"model_metadata{suffix}", "The model's tensors", model)}
        paths[f"{path}/ready"] = {"get": _get(f"model_ready{suffix}", "The model is loaded", model_ready)}
        paths[f"{path}/infer"] = {"post": _infer(f"infer{suffix}", request, response, error)}
    return paths


def _infer(name: str, request: Any, response: Any, error: Any) -> dict[str, Any]:
    row = [measurement.example for measurement in MEASUREMENTS]
    example = {"inputs": [{"name": INPUT.name, "datatype": INPUT.datatype, "shape": [1, len(row)], "data": row}]}
    octets: dict[str, Any] = {
        "application/octet-stream": {}
    }  # JSON, then tensors; Inference-Header-Content-Length is JSON's length
    answer = _response("The tensors asked for", "application/json", response)
    return {
        "operationId": name,
        "summary": "Many rows, by the Open Inference Protocol with binary tensors; bounds are not checked",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request, "example": example}, **octets},
        },
        "responses": {
            "200": {**answer, "content": {**answer["content"], **octets}},
            **{status: _response(text, "application/json", error) for status, text in INFERENCE_ERRORS.items()},
        },
    }


def _get(name: str, summary: str, schema: Any, others: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _response(summary, "application/json", schema), **(others or {})},
    }


def _response(description: str, media_type: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}
