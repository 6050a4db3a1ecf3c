"""Counters in shared memory: a reader sees exactly what was counted."""

import os
import sys
from types import FrameType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.metrics.cells import SIZE, WORD, Cells, new_file


@given(st.dictionaries(st.text(min_size=1, max_size=40), st.integers(0, 2**64 - 1), max_size=30))
def test_a_reader_elsewhere_sees_what_was_counted(wanted: dict[str, int]) -> None:
    """A reader of the descriptor sees every count under any name."""
    descriptor = new_file()
    writer, reader = Cells(descriptor), Cells(descriptor)
    os.close(descriptor)
    for name, number in wanted.items():
        writer.take(name, 1)[0] = number
    assert reader.read() == {name: [number] for name, number in wanted.items()}


def test_memory_that_is_full_harms_nobody() -> None:
    """A series that finds no room is counted nowhere and shown nowhere."""
    cells = Cells()
    for number in range(SIZE // WORD // 20):
        cells.take(f"series_{number}", 25)[0] += 1
    found = cells.read()
    assert 0 < len(found) < SIZE // WORD // 20
    assert all(counts[0] == 1 for counts in found.values())


def test_memory_that_was_given_up_is_used_again() -> None:
    """A later series gets freed memory as zeros, and a reader never sees a freed name."""
    descriptor = new_file()
    cells, reader = Cells(descriptor), Cells(descriptor)
    os.close(descriptor)
    kept = cells.take("kept", 3)
    for number in range(SIZE // 20):  # ten times what there is room for
        name = f"series_{number:06}"
        own = cells.take(name, 25)
        assert own.tolist() == [0] * 25
        own[0] = kept[0] = number
        if number % 1_000 == 0:
            assert reader.read() == {"kept": [number, 0, 0], name: own.tolist()}
        cells.give_up(name)
    cells.give_up("never taken")
    assert reader.read() == {"kept": kept.tolist()}


def test_a_reader_never_mixes_two_series() -> None:
    """A reader gets the old series, the new one or none, wherever a record changes hands while it reads."""
    seen = []
    for step in range(1, 100):
        cells = Cells()
        cells.take("old", 1)[0] = 7
        changed, found = read_while(cells, step)
        assert found in ({}, {"old": [7]}, {"new": [1]})
        seen.append(found)
        if not changed:
            break
    assert {} in seen
    assert not changed
    assert found == {"old": [7]}


def read_while(cells: Cells, step: int) -> tuple[bool, dict[str, list[int]]]:
    """Read, and replace a series before the line with this number runs. Return whether there was such a line."""
    lines = 0

    def meanwhile(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        if frame.f_code is not Cells.read.__code__:
            return None
        lines += event == "line"
        if lines == step and event == "line":
            cells.give_up("old")
            cells.take("new", 1)[0] = 1
        return meanwhile

    before = sys.gettrace()
    sys.settrace(meanwhile)
    try:
        found = cells.read()
    finally:
        sys.settrace(before)
    return lines >= step, found
