"""POST /explain: its document, and what it refuses."""

from collections.abc import Callable

import msgspec
import pytest

from app.answers.explain import ExplanationAnswer, explaining
from app.core.answer import Answer, Problem
from app.model.bundle import Bundle
from app.model.serving import Served, Serving
from contract.features import FEATURE_NAMES
from contract.measurements import Measurements
from contract.species import SPECIES
from tests.support.commands import EXAMPLE


@pytest.fixture(scope="module")
def handler(bundle: Bundle) -> Callable[[bytes], Answer]:
    serving = Serving()
    serving.swap(bundle)
    return explaining(serving)


def test_the_whole_answer(handler: Callable[[bytes], Answer], bundle: Bundle) -> None:
    """The document has its type, agrees with POST /predict, and states where the answer really turns."""
    answer = handler(msgspec.json.encode(EXAMPLE))
    found = msgspec.json.decode(answer.body, type=ExplanationAnswer)
    assert (answer.status, found.prediction, found.species) == (200, 2, "Adelie")
    bill = found.measurements.bill_length_mm  # type: ignore[attr-defined]  # made from MEASUREMENTS
    assert bill.below is None
    assert bill.above.value == pytest.approx(39.1 + bill.above.change)
    label = bundle.library.predict((bill.above.value, 18.7, 181, 3750))[0]
    assert SPECIES[label] == bill.above.species != "Adelie"
    assert found.contributions
    for parts in found.contributions.values():
        assert tuple(parts.features) == FEATURE_NAMES
        assert parts.bias + sum(parts.features.values()) == pytest.approx(parts.margin, abs=1e-5)


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 422), (b"{", 422), (b"[" * 9000, 422), ({"body_mass_g": 3.75}, 400), (EXAMPLE, 200)]
)
def test_faults_are_those_of_predict(
    handler: Callable[[bytes], Answer], body: bytes | dict[str, float], status: int
) -> None:
    """POST /explain refuses a faulty body with the same problem document as POST /predict."""
    answer = handler(body if isinstance(body, bytes) else msgspec.json.encode({**EXAMPLE, **body}))
    assert answer.status == status
    if status == 400:
        assert msgspec.json.decode(answer.body, type=Problem).suggestion == Measurements(*EXAMPLE.values())


def test_without_a_model_or_its_trees_there_is_no_explanation(bundle: Bundle) -> None:
    """POST /explain answers 503 without a model, and 501 without the trees of the model."""
    assert explaining(Serving())(b"{}").status == 503
    refused = explaining(Serving(Served(bundle.library, bundle.version)))(msgspec.json.encode(EXAMPLE))
    assert (refused.status, b"compile the model again" in refused.body) == (501, True)
