"""GET /openapi.json: OpenAPI 3.1, generated from the types that decode and describe."""

from typing import Any

import msgspec

from app.about import ModelAnswer
from app.answer import Health, PredictionAnswer, Problem
from contract.measurements import MEASUREMENTS, Measurements

VERSION = "1.0.0"  # of the API
PROBLEMS = {
    "400": "A value that no penguin has: `detail` names the field, the value and the bound",
    "413": "The body is too large",
    "422": "A body that is not four numbers: `errors` lists every faulty field",
}


def openapi() -> dict[str, Any]:
    """The document."""
    types = (Measurements, PredictionAnswer, ModelAnswer, Health, Problem)
    references, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    measurements, prediction, model, health, problem = references
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
            "/model": {"get": _get("model", "What is being served, and what it was made from", model)},
            "/health/live": {"get": _get("live", "The process answers", health)},
            "/health/ready": {"get": _get("ready", "A model is loaded and predictions are answered", health)},
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


def _get(name: str, summary: str, schema: Any) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _response(summary, "application/json", schema)},
    }


def _response(description: str, media_type: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}
