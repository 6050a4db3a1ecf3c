"""Models of XGBoosts that this Python may not have, recorded with their answers: new ones, and the oldest."""

import pytest
import xgboost

from tests.matrix.cells import Cell, formats, version_of
from tests.matrix.generate import ANSWERS
from tests.matrix.judge import EQUAL, REFUSED, judge
from tests.matrix.selection import RECORDED, TO_RECORD, recorded_cells

LARGEST = 10_000  # bytes of a file


def test_every_recorded_model_is_there_in_the_formats_of_its_version_and_nothing_else() -> None:
    """The folder has exactly the recorded models in the formats of their versions."""
    expected = {
        f"{version}/situation.{name}{ending}"
        for version, names in TO_RECORD.items()
        for name in names
        for ending in (ANSWERS, *(f".{ending}" for ending in formats(version)))
    }
    files = [path for path in RECORDED.rglob("*") if path.is_file()]
    assert {str(path.relative_to(RECORDED)) for path in files} == expected
    assert max(path.stat().st_size for path in files) < LARGEST


@pytest.mark.parametrize("cell", recorded_cells(), ids=lambda cell: f"{cell.version}-{cell.name}")
def test_a_recorded_model_is_equal_or_refused_by_name(cell: Cell) -> None:
    """A recorded model is equal or refused by name; a newer XGBoost's is refused."""
    directory = RECORDED / cell.version
    files = [directory / f"{cell.name}.{ending}" for ending in formats(cell.version)]
    outcome = judge(cell, files, directory / f"{cell.name}{ANSWERS}")
    newer = version_of(cell.version) > version_of(xgboost.__version__)
    assert outcome.kind in ((REFUSED,) if newer else (REFUSED, EQUAL)), outcome.text
