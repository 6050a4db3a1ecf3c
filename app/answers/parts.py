"""What the answers of one loaded bundle are made from. Made once for it. Lifetime: the bundle's."""

from collections.abc import Callable
from typing import NamedTuple

from app.core.answer import Answer, Headers
from binding.library import Batch, Library
from contract.schema import Contract
from score.inputs import Inputs, Row
from score.judged import Judged, PValues

OfferRow = Callable[[Row, int, dict[str, float]], None]
OfferRows = Callable[[bytes, int, int, Batch], None]


class Offers:
    """Where answers are offered to a challenger. Both are None if there is none."""

    __slots__ = ("row", "rows")

    def __init__(self) -> None:
        self.row: OfferRow | None = None
        self.rows: OfferRows | None = None


class Parts(NamedTuple):
    """The parts. `headers` are those of all 200 answers: one list object, so that `HttpContext.head` recognises it.

    `diagnose` returns the answer for a faulty body, with the header that names the model, or its row. `margins` has the
    name of each margin of the library. `p_values` is None if the bundle has nothing to make them from.
    """

    contract: Contract
    inputs: Inputs
    diagnose: Callable[[bytes | bytearray], Answer | Row]
    library: Library
    version: str
    headers: Headers
    offers: Offers
    judged: Judged
    p_values: PValues | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by label."""
        return self.contract.output.classes

    @property
    def margins(self) -> tuple[str, ...]:
        """The name of each margin: the class, or the second of two classes, or the number."""
        output = self.contract.output
        if output.classed:
            return output.classes if self.library.outputs == len(output.classes) else output.classes[-1:]
        return output.values
