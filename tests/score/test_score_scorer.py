"""Rows as JSON objects: unknown fields are ignored, but not those that look like an input that is not there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.schema import Contract, Input, Output
from score.answers import PREFIX, names_beside
from score.bundle import Bundle
from score.faults import Diagnosis, Fault
from score.inputs import MAX_SEARCHED, Inputs
from score.judged import Judged
from score.scorer import BLOCK_CELLS, BLOCK_ROWS, Scorer

FEW, MANY = 2, MAX_SEARCHED + 2


def scorer(bundle: Bundle, count: int, missing: bool) -> Scorer:
    """Return the scorer of so many numbers. Its library is another model's, which is not asked."""
    inputs = tuple(Input(f"x_{i}", minimum=0, maximum=9, missing=missing and i < 2) for i in range(count))
    contract = Contract(name="numbers", inputs=inputs, output=Output(kind="number"))
    return Scorer(bundle.library, Inputs(contract), Judged())


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("missing", [False, True])
def test_an_object_is_judged_as_its_inputs_are(bundle: Bundle, count: int, missing: bool) -> None:
    """The row of an object, or the words of its fault, is that of its inputs and of what looks like a missing one."""
    own = scorer(bundle, count, missing)
    names = own.contract.input_names
    whole: dict[str, Any] = dict.fromkeys(names, 5)
    changes = st.dictionaries(
        st.sampled_from(["x_0", "x_1", "X 0", "x1", "other", "x_99"]), st.sampled_from([1, 2.5, None, "a", 10])
    )

    @given(changes, st.sets(st.sampled_from(["x_0", "x_1"])), st.randoms(use_true_random=False))
    def law(changed: dict[str, Any], absent: set[str], random: Any) -> None:
        document = {name: value for name, value in {**whole, **changed}.items() if name not in absent}
        shuffled = list(document.items())
        random.shuffle(shuffled)
        alike = {"X 0": "x_0", "x1": "x_1"}
        asked = {
            name: value
            for name, value in shuffled
            if name in names or (missing and name in alike and alike[name] not in document)
        }
        wanted = Diagnosis(own.inputs).of(json.dumps(asked).encode())
        found = own.object_row(json.dumps(dict(shuffled)).encode())
        assert found == (wanted.detail if isinstance(wanted, Fault) else wanted)

    law()


def test_what_is_no_object_has_a_reason(bundle: Bundle) -> None:
    """Malformed JSON, and JSON that is no object, is a fault in the words of POST /predict."""
    own = scorer(bundle, FEW, True)
    for body, told in ((b"{", "truncated"), (b"[]", "Expected `object`, got `array`"), (b'{"a":1}x', "trailing")):
        assert told in str(own.object_row(body))


def test_blocks_are_bounded_in_cells(bundle: Bundle) -> None:
    """A table of few columns has long blocks, one of many columns short ones, and none is empty."""
    own = scorer(bundle, FEW, True)
    assert own.block_rows(1) == BLOCK_ROWS
    assert own.block_rows(10**9) == 1
    assert own.block_rows(1000) * 1000 <= BLOCK_CELLS


@given(st.lists(st.sampled_from("ab"), unique=True), st.sets(st.text("ab_predicted", max_size=12)))
def test_names_of_answers_are_new(own: list[str], taken: set[str]) -> None:
    """Every name is its own, with as many prefixes as it takes to be free."""
    names = names_beside(own, taken)
    assert len({*names} | taken) == len(own) + len(taken)
    assert [name.replace(PREFIX, "") for name in names] == own
