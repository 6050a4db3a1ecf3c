from random import Random

import msgspec
import pytest

from benchmarks.load.questions import MIX, Kind, Question, ask, mistake, on_record, out_of_distribution, read_birds
from tests.support.service import Service

BIRDS = read_birds()
RIGHT = {
    "prediction": 2,
    "species": "Adelie",
    "probabilities": {"Gentoo": 0.1, "Chinstrap": 0.2, "Adelie": 0.7},
    "in_distribution": True,
}
NAMED = {"Model-Version": "abc"}
QUESTION = Question("bird", b"{}")


@pytest.fixture
def random() -> Random:
    return Random(1)  # noqa: S311  # not a secret


@pytest.mark.parametrize("kind", MIX, ids=lambda kind: kind.__name__)
def test_the_service_answers_every_kind_rightly(service: Service, random: Random, kind: Kind) -> None:
    """The service answers many questions of each kind rightly, over a real socket."""
    for _ in range(100):
        question = kind(random, BIRDS)
        reply = service.request("POST", "/predict", question.body, {"content-type": question.content_type})
        assert mistake(question, reply.status, reply.headers, reply.body) == "", question


def test_all_kinds_are_asked(random: Random) -> None:
    """Each kind is asked about as often as the mix says."""
    names = [ask(random, BIRDS).name for _ in range(5_000)]
    assert len(set(names)) == len(MIX)
    assert 0.85 < sum(name.startswith("bird") for name in names) / len(names) < 0.95
    assert sum(MIX.values()) == 100


def test_birds_on_record_are_those_of_the_data(random: Random) -> None:
    """Birds on record have the numbers that a person would type."""
    assert len(BIRDS) == 342
    assert on_record(random, BIRDS[:1]).body == msgspec.json.encode(BIRDS[0])
    assert list(BIRDS[0].values()) == [39.1, 18.7, 181.0, 3750.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"species": "Gentoo"}, "most probable"),
        ({"prediction": 0}, "most probable"),
        ({"probabilities": {"Gentoo": 0.2, "Chinstrap": 0.2, "Adelie": 0.7}}, "add up"),
        ({"probabilities": {"Gentoo": 0.3, "Adelie": 0.7}}, "each species"),
        ({"probabilities": {"Emperor": 1.0}}, "each species"),
        ({"species": "Emperor"}, "most probable"),
        ({"prediction": 7}, "most probable"),
        ({"in_distribution": None}, "another document"),
    ],
)
def test_a_wrong_prediction_is_a_mistake(change: dict[str, object], said: str) -> None:
    """Each part of the answer is judged."""
    found = mistake(QUESTION, 200, NAMED, msgspec.json.encode({**RIGHT, **change}))
    assert (said in found) if said else not found


def test_so_is_everything_around_it(random: Random) -> None:
    """A wrong status, a missing header, and an out-of-distribution bird that is not recognised are mistakes."""
    body = msgspec.json.encode(RIGHT)
    assert mistake(QUESTION, 503, {}, b"") == "expected status 200, found 503"
    assert mistake(QUESTION, 0, {}, b"") == "expected status 200, found no answer"
    assert "model-version" in mistake(QUESTION, 200, {}, body)
    assert "another document" in mistake(QUESTION, 200, NAMED, b"\xff")
    assert "in_distribution False" in mistake(out_of_distribution(random, BIRDS), 200, NAMED, body)
    bad = Question("400", b"{}", 400)
    assert mistake(bad, 400, {}, b'{"status": 400, "detail": "too long"}') == ""
    assert "another status" in mistake(bad, 400, {}, b'{"status": 422, "detail": "too long"}')
    assert "another document" in mistake(bad, 400, {}, b"nonsense")
