"""Published rows: how many, which of them, and what is refused."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.reading import PENGUINS, read_contract
from contract.training import MAX_KNOWN_ROWS, decode_known_rows, misfit, thinned

DOCUMENT = {
    "model_sha256": "0" * 64,
    "inputs": ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"],
    "answer": "species",
    "total": 1,
    "rows": [[39.1, 18.7, 181, None]],
    "answers": ["Adelie"],
}


@given(st.integers(0, 5 * MAX_KNOWN_ROWS))
def test_rows_are_thinned_evenly(count: int) -> None:
    """All rows are kept up to the limit. Of more, the gaps between those that are kept differ by at most one."""
    kept = thinned(range(count))
    assert len(kept) == min(count, MAX_KNOWN_ROWS)
    gaps = {after - before for before, after in pairwise(kept)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1
    assert kept == sorted(set(kept))
    assert not kept or kept[0] == 0


def test_rows_of_the_contract_fit() -> None:
    """Rows that name the contract's inputs and classes belong to it."""
    known = decode_known_rows(msgspec.json.encode(DOCUMENT))
    assert misfit(known, read_contract(PENGUINS)) is None
    assert known.rows == ((39.1, 18.7, 181, None),)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"inputs": ["bill_depth_mm", "bill_length_mm", "flipper_length_mm", "body_mass_g"]}, "expected rows of the"),
        ({"answers": ["Emperor"]}, "found Emperor"),
    ],
)
def test_rows_of_another_contract_do_not_fit(changed: dict[str, Any], words: str) -> None:
    """Other inputs, or classes that the model does not know, are named."""
    wrong = misfit(decode_known_rows(msgspec.json.encode(DOCUMENT | changed)), read_contract(PENGUINS))
    assert wrong is not None
    assert words in wrong


@pytest.mark.parametrize(
    "changed",
    [
        {"answers": []},
        {"rows": [[39.1]]},
        {"rows": [[39.1, 18.7, 181, []]]},
        {"rows": [[39.1, 18.7, 181, 3750]] * (MAX_KNOWN_ROWS + 1), "answers": ["Adelie"] * (MAX_KNOWN_ROWS + 1)},
        {"model_sha256": "0"},
        {"total": -1},
    ],
)
def test_what_contradicts_itself_is_refused(changed: dict[str, Any]) -> None:
    """Rows without answers, of another width, of other types, or too many, are refused."""
    with pytest.raises(msgspec.ValidationError):
        decode_known_rows(msgspec.json.encode(DOCUMENT | changed))
