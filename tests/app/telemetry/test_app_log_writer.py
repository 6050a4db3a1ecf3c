"""Writing lines to a pipe or a file: whole, and bounded."""

import os

from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.log_writer import PIECE_BYTES, Writer, pieces


@given(st.lists(st.integers(1, 3 * PIECE_BYTES), min_size=1, max_size=30))
def test_lines_are_written_in_pieces_that_do_not_mix(lengths: list[int]) -> None:
    """Lines are written in pieces of at most PIPE_BUF bytes, which a pipe never mixes."""
    lines = [bytes([65 + number]) * length for number, length in enumerate(lengths)]
    groups = pieces(lines)
    assert [line for group in groups for line in group] == lines
    assert all(len(group) == 1 or sum(map(len, group)) <= PIECE_BYTES for group in groups)


def test_a_pipe_that_nobody_reads_bounds_what_waits() -> None:
    """Lines that nobody reads are dropped and counted, and the writer never waits."""
    reading, writing = os.pipe()
    writer = Writer(writing, most_bytes=100_000)
    for _ in range(1000):
        writer.write([b"x" * 999 + b"\n"])
    assert 800 <= writer.dropped < 1000
    os.close(reading)
    assert writer.drained(10)
    assert writer.dropped + writer.written == 1000
    writer.close(10)
    os.close(writing)
