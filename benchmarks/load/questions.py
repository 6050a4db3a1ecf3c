"""What users ask, and what the service must answer: birds of the data and near it, others, and mistakes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from benchmarks.machine import ROOT
from train.contract import CLASSES, CONTRACT
from train.penguins import DATA, load

JSON = "application/json"
TOLERANCE = 1e-5  # of the sum of probabilities: each is a float32
NEAR = 0.01  # of a measurement: how far a bird is from the one on record, at most
CORNER = 0.05  # of the range from one bound to the other

Bird = dict[str, float]


class Question(NamedTuple):
    """A request to POST /predict. `name` groups it in the statistics, `status` is that of the right answer."""

    name: str
    body: bytes
    status: int = 200
    content_type: str = JSON
    in_distribution: bool | None = None  # None: not judged


class Prediction(msgspec.Struct, frozen=True):
    """The fields of an answer that are judged."""

    prediction: int
    species: str
    probabilities: dict[str, float]
    in_distribution: bool


class Problem(msgspec.Struct, frozen=True):
    """The fields of an error (RFC 9457) that are judged."""

    status: int
    detail: str


Kind = Callable[[Random, list[Bird]], Question]


def on_record(random: Random, birds: list[Bird]) -> Question:
    """Ask about a bird of the data."""
    return Question("bird on record", msgspec.json.encode(random.choice(birds)))


def near(random: Random, birds: list[Bird]) -> Question:
    """Ask about a bird like one on record, rounded to a tenth of a unit."""
    bird = random.choice(birds)
    shaken = {name: round(value * random.uniform(1 - NEAR, 1 + NEAR), 1) for name, value in bird.items()}
    return Question("bird like it", msgspec.json.encode(shaken))


def out_of_distribution(random: Random, _birds: list[Bird]) -> Question:
    """Ask about numbers near their bounds, far beyond what any bird of the three species has."""
    bird = {}
    for each in CONTRACT.inputs:
        low, high = each.bounds
        room = (high - low) * random.uniform(0, CORNER)
        bird[each.name] = round(low + room if random.random() < 0.5 else high - room, 1)
    return Question("out of distribution", msgspec.json.encode(bird), in_distribution=False)


def out_of_bounds(random: Random, birds: list[Bird]) -> Question:
    """Send a number that no penguin has."""
    wrong = random.choice(CONTRACT.inputs)
    low, high = wrong.bounds
    value = random.choice((low / 1000, high * 10))
    return Question("400 out of bounds", msgspec.json.encode({**random.choice(birds), wrong.name: value}), 400)


def malformed(random: Random, birds: list[Bird]) -> Question:
    """Send a body that does not have four numbers."""
    bird, name = random.choice(birds), random.choice(CONTRACT.input_names)
    bodies = (
        msgspec.json.encode({other: value for other, value in bird.items() if other != name}),
        msgspec.json.encode({**bird, name: None}),
        msgspec.json.encode({**bird, name: "39.1 mm"}),
        msgspec.json.encode({**bird, name: -bird[name]}),
        msgspec.json.encode(bird)[:-1],
        b"",
    )
    return Question("422 malformed", random.choice(bodies), 422)


def other_media_type(random: Random, birds: list[Bird]) -> Question:
    """Send JSON that claims to be CSV."""
    return Question("415 media type", msgspec.json.encode(random.choice(birds)), 415, "text/csv")


# How many of a hundred questions are of each kind.
MIX: dict[Kind, int] = {
    on_record: 50,
    near: 40,
    out_of_distribution: 4,
    out_of_bounds: 2,
    malformed: 3,
    other_media_type: 1,
}


def read_birds(path: Path = ROOT / DATA) -> list[Bird]:
    """Return all complete birds of the data. Raises Refusal."""
    return [
        {name: round(float(value), 1) for name, value in zip(CONTRACT.input_names, row, strict=True)}
        for row in load(path).measurements
    ]


def ask(random: Random, birds: list[Bird]) -> Question:
    """Return the next question of the mix."""
    (kind,) = random.choices(list(MIX), list(MIX.values()))
    return kind(random, birds)


def mistake(question: Question, status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Say what is wrong with an answer; return an empty text if it is right. Headers have names in any case."""
    if status != question.status:
        return f"expected status {question.status}, found {status or 'no answer'}"
    try:
        if status != 200:
            problem = msgspec.json.decode(body, type=Problem)
            right = problem.status == status and problem.detail
            return "" if right else "the problem document has another status, or no detail"
        answer = msgspec.json.decode(body, type=Prediction)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"expected an answer of status {status}, found another document ({error})"
    shares = answer.probabilities
    if not any(name.lower() == "model-version" and value for name, value in headers.items()):
        return "expected a model-version header, found none"
    if shares.keys() != set(CLASSES):
        return "expected a probability for each species"
    if abs(sum(shares.values()) - 1) > TOLERANCE:
        return "probabilities do not add up to 1"
    if shares.get(answer.species) != max(shares.values()) or CLASSES.index(answer.species) != answer.prediction:
        return "species is not the most probable one"
    if question.in_distribution not in (None, answer.in_distribution):
        return f"expected in_distribution {question.in_distribution}, found {answer.in_distribution}"
    return ""
