"""Batches on several threads: the same bits, and memory that is claimed."""

import array
from itertools import pairwise

import pytest

from app.batch.inference import inferrer
from app.batch.rows import Rows
from app.batch.slices import LEAST_ROWS, Slices
from app.core.memory import Claim, Memory
from app.model.serving import Serving
from binding.library import Batch
from score.bundle import Bundle
from tests.support.inference import HEADER, batch

COUNT = 3 * LEAST_ROWS + 5
BIRDS = array.array("f", [value for i in range(COUNT) for value in (30 + i % 31, 13 + i % 10, 170 + i % 59, 2700 + i)])


@pytest.mark.parametrize("threads", [1, 2, 3, 64])
@pytest.mark.parametrize("rows", [0, 1, 2 * LEAST_ROWS, COUNT])
def test_slices_answer_as_one_call(bundle: Bundle, threads: int, rows: int) -> None:
    """Whatever the number of threads, answers are those of one call, also from an odd offset on."""
    data = b"!!!" + BIRDS.tobytes()
    assert Slices(threads).predict(bundle.library, Rows(data, 3, rows)) == bundle.library.predict_rows(data, 3, rows)


def test_every_row_is_in_one_slice(bundle: Bundle) -> None:
    """The slices follow each other, and none is small."""
    asked: list[tuple[int, int]] = []

    class Asked:
        inputs = 4

        def predict_rows(self, data: bytes, offset: int, rows: int) -> Batch:
            asked.append((offset // 16, rows))
            return bundle.library.predict_rows(data, offset, rows)

    Slices(8).predict(Asked(), Rows(BIRDS.tobytes(), 0, COUNT))  # type: ignore[arg-type]  # what is used of a library
    asked.sort()
    assert [start + rows for start, rows in asked[:-1]] == [start for start, _ in asked[1:]]
    assert sum(rows for _, rows in asked) == COUNT
    assert all(rows >= LEAST_ROWS for _, rows in asked)
    assert all(first < second for first, second in pairwise(asked))


def test_slices_claim_their_answers(bundle: Bundle) -> None:
    """With several threads a batch needs more memory: answers are joined. Bodies are the same."""
    serving = Serving()
    serving.swap(bundle)
    body, sent = batch(2)
    headers = {HEADER.lower().encode(): sent[HEADER].encode()}
    claimed, bodies = [], []
    for threads in (1, 2):
        with Claim(Memory(1 << 30)) as claim:
            bodies.append(inferrer(serving, 1000, threads)(headers, body, claim).body)
            claimed.append(claim.size)
    assert claimed[0] < claimed[1]
    assert bodies[0] == bodies[1]
