"""The description of the cards: a page, or Markdown."""

from typing import Any

Schema = dict[str, Any]

SUMMARIES = {
    "card": "The model card: what the model is for, how good it is, and where it fails",
    "datacard": "The data card: what the model was trained on",
}


def card(path: str, problem: Any) -> Schema:
    """Return the operation of GET /model/`path`. `problem` is the schema of a refusal."""
    text, refusal = {"schema": {"type": "string"}}, {"application/problem+json": {"schema": problem}}
    return {
        "operationId": path,
        "summary": SUMMARIES[path],
        "responses": {
            "200": {
                "description": "A page; Markdown with front matter if `Accept` names text/markdown",
                "content": {"text/html": text, "text/markdown": text},
            },
            "404": {"description": "The bundle has no such card", "content": refusal},
            "503": {"description": "No model is loaded", "content": refusal},
        },
    }
