"""A prediction in words, for log lines and spans: its inputs and its answer by the names in the contract."""

from typing import TYPE_CHECKING

from app.core.prediction_record import PredictionRecord

if TYPE_CHECKING:
    from app.model.serving import Serving
    from contract.schema import Contract


class Described:
    """Describes predictions of the model that is served. All models of a service have the same contract."""

    def __init__(self, serving: "Serving | None") -> None:
        self._serving = serving

    @property
    def _contract(self) -> "Contract | None":
        return self._serving.contract if self._serving else None

    def inputs(self, prediction: PredictionRecord) -> dict[str, object]:
        """Return the inputs by name. None is missing."""
        contract = self._contract
        return dict(zip(contract.input_names, prediction.row, strict=True)) if contract else {}

    def answer(self, prediction: PredictionRecord) -> dict[str, str | float]:
        """Return the class and its probability, or the number: the first one if there are several."""
        contract = self._contract
        if contract is None or not contract.output.classed:
            return {"prediction": prediction.value}
        answer: dict[str, str | float] = {contract.output.label: contract.output.classes[prediction.label]}
        if contract.output.kind == "classes":
            answer["confidence"] = round(prediction.value, 6)
        return answer
