"""The penguins' API keeps its bytes: statuses, headers and bodies are as they were recorded."""

import msgspec
import pytest

from tests.app.recorded.questions import questions
from tests.app.recorded.recording import FILE, Recording, ask, model_sha256
from tests.support.service import Service


def test_answers_are_as_they_were_recorded(service: Service) -> None:
    """Every recorded request gets the recorded status, headers and body."""
    recording = msgspec.json.decode(FILE.read_bytes(), type=Recording)
    if model_sha256(service) != recording.model_sha256:
        pytest.skip("the answers were recorded with the model that XGBoost 3.2.0 trains")
    asked = questions()
    assert len(asked) == len(recording.answers) >= 300
    for question, expected in zip(asked, recording.answers, strict=True):
        assert ask(service, question) == expected, question
