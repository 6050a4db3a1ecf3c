from typing import Any

import msgspec
import pytest

from contract.training import HoldOut, TrainingSummary

OWNED: dict[str, Any] = {"rows_sha256": "0" * 64, "target": "species", "rows": 9, "model_sha256": "0" * 64}


def test_an_unknown_field_is_refused_by_its_name() -> None:
    """A file in which the drift baseline has its old name does not lose it silently."""
    with pytest.raises(msgspec.ValidationError, match="unknown field `reference`"):
        msgspec.json.decode(b'{"reference": {"variables": {}}}', type=TrainingSummary)


def test_figures_of_held_out_rows_are_kept() -> None:
    """What the owner says of held-out rows comes back, with the baseline if there is one."""
    baseline: dict[str, Any] = {"drift_baseline": {"variables": {}}}
    for more in ({}, baseline):
        found = msgspec.convert({**OWNED, "figures": {"accuracy": 0.9}, **more}, HoldOut)
        assert msgspec.json.decode(msgspec.json.encode(found), type=HoldOut) == found
    with pytest.raises(msgspec.ValidationError, match="unknown field `reference`"):
        msgspec.convert({**OWNED, "figures": {}, "reference": {}}, HoldOut)
