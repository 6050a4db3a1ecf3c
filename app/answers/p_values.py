"""POST /predict?p_values=true for one loaded bundle: what POST /predict answers, with p-values and sets from them."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import orjson

from app.answers.parts import Parts
from app.answers.predict import predictor
from app.core.answer import Answer, Problem, problem
from app.core.operation import Handler, Receipt
from app.core.receipt import receipts
from score.judged import PValues, no_p_values


class WithPValues(NamedTuple):
    """`predict` answers a body. `receipt` makes the handler of one request whose answer reports its timing."""

    predict: Handler
    receipt: Receipt


def with_p_values(parts: Parts) -> WithPValues:
    """Return the handlers. If the bundle has nothing to make p-values from, they answer 400, which says so."""
    if parts.p_values is None:
        refuse = partial(_answer, p_values_refused(parts))
        return WithPValues(refuse, lambda received: refuse)  # noqa: ARG005  # there is nothing to time
    dumps = _dumper(parts.p_values)
    return WithPValues(predictor(parts, dumps=dumps), receipts(partial(predictor, parts), parts.inputs.decode, dumps))


def p_value_fields(p_values: PValues, probabilities: dict[str, float]) -> dict[str, Any]:
    """Return the fields of an answer that are made from p-values."""
    return {"p_values": p_values.of(probabilities), "p_value_sets": p_values.sets(probabilities)}


def p_values_refused(parts: Parts) -> Answer:
    """Return the answer to a request for p-values that this bundle cannot give."""
    document = Problem("Bad Request", 400, no_p_values(parts.contract))
    return problem(document, [(b"model-version", parts.version.encode())])


def _dumper(p_values: PValues) -> Callable[[dict[str, Any]], bytes]:
    """Return the function that makes JSON of an answer, with the fields added: so POST /predict itself pays nothing."""

    def dumps(document: dict[str, Any]) -> bytes:
        return orjson.dumps(document | p_value_fields(p_values, document["probabilities"]))

    return dumps


def _answer(answer: Answer, _: bytes | bytearray) -> Answer:
    return answer
