"""Comparisons of models of every kind: what agrees, with rows of any kind."""

import asyncio
import json
from collections.abc import Callable
from math import nan
from typing import Any

import pytest

from app.answers.bundle_answers import BundleAnswers
from app.model.comparison import PAUSE_SECONDS, Comparison, ComparisonReport
from app.model.outcomes import Outcomes
from binding.library import Batch
from score.bundle import Bundle
from tests.support.apples import KINDS, Compiled, contract_of


class Shifted:
    """A challenger of numbers whose answers are others by `shift`."""

    def __init__(self, bundle: Bundle, shift: float) -> None:
        self._library = bundle.library
        self._shift = shift
        self.inputs, self.values = bundle.library.inputs, bundle.library.values

    def predict_rows(self, data: bytes, offset: int, rows: int) -> Batch:
        batch = self._library.predict_rows(data, offset, rows)
        values = memoryview(batch.values).cast("f")
        for place in range(len(values)):
            values[place] += self._shift
        return batch


def compared(comparison: Comparison, rows: int, offer: Callable[[Comparison], None]) -> ComparisonReport:
    """Offer rows on an event loop, and return the report once they were compared or failed."""

    async def main() -> None:
        offer(comparison)
        async with asyncio.timeout(60):
            while (found := comparison.summary()).compared + found.failed < rows:
                await asyncio.sleep(PAUSE_SECONDS / 10)

    asyncio.run(main())
    return comparison.summary()


def offering(bundle: Bundle, documents: list[dict[str, Any]]) -> Callable[[Comparison], None]:
    """Return the function that predicts documents as a service does, and offers them."""

    def offer(comparison: Comparison) -> None:
        answers = BundleAnswers(bundle.library, bundle.contract, "v")
        answers.offers.row = comparison.offer
        for document in documents:
            assert answers.predict(json.dumps(document).encode()).status == 200

    return offer


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_agrees_with_itself(
    apples: Callable[[str], Compiled], apple_bundle: Callable[[str], Bundle], kind: str
) -> None:
    """Rows with booleans, categories and missing values are compared as they were predicted."""
    bundle, documents = apple_bundle(kind), apples(kind).documents(40)
    comparison = Comparison(bundle.library, bundle.contract, "x", None, Outcomes())
    found = compared(comparison, 40, offering(bundle, documents))
    assert (found.compared, found.agreed, found.failed, found.largest_distance) == (40, 40, 0, 0.0)


@pytest.mark.parametrize(("shift", "agreed"), [(0.04, 20), (0.06, 0)])
def test_numbers_agree_within_the_tolerance(
    apples: Callable[[str], Compiled], apple_bundle: Callable[[str], Bundle], shift: float, agreed: int
) -> None:
    """Two numbers agree if they differ by at most the contract's tolerance, which is 0.05 here."""
    bundle = apple_bundle("number")
    comparison = Comparison(Shifted(bundle, shift), bundle.contract, "x", None, Outcomes())
    found = compared(comparison, 20, offering(bundle, apples("number").documents(20)))
    assert (found.compared, found.agreed) == (20, agreed)
    assert found.mean_distance == pytest.approx(shift, abs=1e-5)


def test_numbers_that_are_too_large_are_compared(apple_bundle: Callable[[str], Bundle]) -> None:
    """A number that no float32 holds is infinite for the challenger, as for the champion."""
    bundle = apple_bundle("number")
    rows = [(1e300, 5.0, True, 1.0, None, nan), (-1e300, -1e30, 0.0, 2.0, 1.0, 0.0)]

    def offer(comparison: Comparison) -> None:
        for row in rows:
            label, values = bundle.library.predict(row)[:2]
            comparison.offer(row, label, values)

    found = compared(Comparison(bundle.library, contract_of("number"), "x", None, Outcomes()), 2, offer)
    assert (found.compared, found.agreed, found.failed) == (2, 2, 0)
