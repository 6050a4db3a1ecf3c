"""Answers of the service, as recorded: `python -m tests.app.recorded.recording` writes them anew.

They are right for one model only, whose digest is in the file: another XGBoost trains other trees.
"""

import base64
from pathlib import Path

import msgspec

from contract.files import write_atomically
from tests.app.recorded.questions import Question, questions
from tests.support.service import Service, serving

FILE = Path(__file__).parent / "answers.json"
CHANGING = ("date", "model-version")  # headers that differ between two bundles of one model


class Recorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer. `text` is its body, or `base64` if it is not UTF-8. `versioned` is whether it names the model."""

    status: int
    headers: dict[str, str]
    versioned: bool
    text: str = ""
    base64: str = ""


class Recording(msgspec.Struct, frozen=True):
    """All answers, in the order of `questions`, of the model with this digest."""

    model_sha256: str
    answers: list[Recorded]


def ask(service: Service, question: Question) -> Recorded:
    """Return the service's answer to a question."""
    reply = service.request(question.method, question.path, question.body, question.headers)
    headers = {name: value for name, value in sorted(reply.headers.items()) if name not in CHANGING}
    versioned = "model-version" in reply.headers
    try:
        return Recorded(reply.status, headers, versioned, text=reply.body.decode())
    except UnicodeDecodeError:
        return Recorded(reply.status, headers, versioned, base64=base64.b64encode(reply.body).decode())


def model_sha256(service: Service) -> str:
    """Return the digest of the model that is served."""
    digest: str = service.request("GET", "/model").document["certificate"]["model_sha256"]
    return digest


if __name__ == "__main__":
    with serving("artifacts/bundle") as service:
        recording = Recording(model_sha256(service), [ask(service, question) for question in questions()])
    write_atomically(FILE, msgspec.json.format(msgspec.json.encode(recording), indent=1) + b"\n")
