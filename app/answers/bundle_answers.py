"""The answers of one loaded bundle: prediction, prediction with a receipt, explanation. Made once, at load."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

import orjson

from app.answers.explain import Explain, explaining
from app.answers.p_values import WithPValues, with_p_values
from app.answers.parts import Offers, Parts
from app.answers.predict import predictor
from app.core.answer import JSON, Answer, Problem, problem, with_header
from app.core.operation import Handler, Receipt
from app.core.receipt import receipts
from binding.library import Library
from contract.schema import Contract
from contract.uncertainty import Uncertainty
from score.faults import Diagnosis, Fault
from score.inputs import Inputs, Row
from score.judged import Judged, PValues

if TYPE_CHECKING:
    from score.scorer import Scorer


class BundleAnswers:
    """What a bundle answers to the body of a request. `predict` never blocks; `explain` takes milliseconds."""

    def __init__(
        self,
        library: Library,
        contract: Contract,
        version: str,
        trees: bytes | None = None,
        uncertainty: Uncertainty | None = None,
    ) -> None:
        """`trees` is the content of trees.json, if the bundle has it."""
        self.inputs = Inputs(contract)
        self.offers = Offers()
        self.named = (b"model-version", version.encode())
        self.parts = Parts(
            contract=contract,
            inputs=self.inputs,
            diagnose=_diagnosing(self.inputs, self.named),
            library=library,
            version=version,
            headers=[*JSON, self.named],
            offers=self.offers,
            judged=Judged.by(uncertainty),
            p_values=PValues.by(uncertainty),
        )
        self.predict: Handler = predictor(self.parts)
        self.explain: Explain = explaining(self.parts, trees)

    @cached_property
    def scorer(self) -> "Scorer":
        """Answers many rows. Made when the first table comes."""
        return self._scorer(None)

    @cached_property
    def scorer_with_p_values(self) -> "Scorer":
        """Answers many rows with p-values, if the bundle has something to make them from."""
        return self._scorer(self.parts.p_values)

    def _scorer(self, p_values: PValues | None) -> "Scorer":
        from score.scorer import Scorer  # the first table pays for it

        return Scorer(self.parts.library, self.inputs, self.parts.judged, p_values)

    @cached_property
    def with_p_values(self) -> WithPValues:
        """Answers the body of a request that asks for p-values."""
        return with_p_values(self.parts)

    @cached_property
    def receipt(self) -> Receipt:
        """Makes the handler of one request whose answer reports its timing."""
        return receipts(partial(predictor, self.parts), self.inputs.decode, orjson.dumps)


def _diagnosing(inputs: Inputs, named: tuple[bytes, bytes]) -> Callable[[bytes | bytearray], Answer | Row]:
    """Return the function that makes an answer for a faulty body, with the header that names the model."""
    diagnosis = Diagnosis(inputs)

    def diagnose(body: bytes | bytearray) -> Answer | Row:
        found = diagnosis.of(body)
        return with_header(problem(problem_of(found)), named) if isinstance(found, Fault) else found

    return diagnose


def problem_of(fault: Fault) -> Problem:
    """Return the problem document of a faulty row."""
    title, status = ("Bad Request", 400) if fault.impossible else ("Unprocessable Content", 422)
    return Problem(title, status, fault.detail, fault.errors, fault.suggestion)
