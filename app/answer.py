"""What a handler returns: a status, headers and a body, known to no HTTP server."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from app.observed import Prediction
from contract.measurements import Measurements
from contract.species import SPECIES, Species

Headers = list[tuple[bytes, bytes]]

JSON: Headers = [(b"content-type", b"application/json")]
CLOSE = (b"connection", b"close")
PROBLEM_JSON: Headers = [(b"content-type", b"application/problem+json")]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An HTTP response in three parts; `headers` leave out content-length. `prediction` is for who watches.

    `rest` follows `body`, piece by piece: a large answer is never in one piece.
    """

    status: int
    headers: Headers
    body: bytes
    prediction: Prediction | None = None
    rest: tuple[bytes | bytearray, ...] = ()


Probabilities = msgspec.defstruct("Probabilities", [(name, float) for name in SPECIES])


class PredictionAnswer(msgspec.Struct, frozen=True):
    """The most probable species. `prediction` is its index in the order of `probabilities`, which sum to 1.

    `prediction_set` has the species that cannot be excluded, at the level that GET /model tells; `distance` is how far
    the bird is from those of the nearest species, in standard deviations, and beyond `distance_limit` there it is not
    `in_distribution`. These three are absent where the model came without the birds to judge by.
    """

    prediction: int
    species: Species
    probabilities: Probabilities  # type: ignore[valid-type]  # made from SPECIES, where the names are written once
    prediction_set: list[Species] | UnsetType = UNSET
    in_distribution: bool | UnsetType = UNSET
    distance: float | UnsetType = UNSET


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong. `pointer` is a JSON pointer to it in the request's body; `#` is all of the body."""

    detail: str
    pointer: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457): `title` names the status, `detail` says what to do about it.

    `suggestion` is the body that may have been meant, where one mistake explains all that is wrong.
    """

    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    suggestion: Measurements | None = None


class Health(msgspec.Struct, frozen=True):
    """That the process is live, or that it is ready to predict."""

    status: Literal["live", "ready"]


def problem(document: Problem, headers: Headers | None = None) -> Answer:
    """The answer that carries a problem document."""
    return Answer(document.status, PROBLEM_JSON + (headers or []), msgspec.json.encode(document))


def json_answer(document: object) -> Answer:
    """A 200 with a JSON body."""
    return Answer(200, JSON, msgspec.json.encode(document))
