import msgspec
import pytest

from contract.training import TrainingSummary


def test_an_unknown_field_is_refused_by_its_name() -> None:
    """A file in which the drift baseline has its old name does not lose it silently."""
    with pytest.raises(msgspec.ValidationError, match="unknown field `reference`"):
        msgspec.json.decode(b'{"reference": {"variables": {}}}', type=TrainingSummary)
