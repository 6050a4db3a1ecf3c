"""What tests of files share."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.scoring import birds


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Write one small file of birds."""
    path = tmp_path / "in" / "birds.parquet"
    path.parent.mkdir()
    pq.write_table(birds(200), path)
    return path
