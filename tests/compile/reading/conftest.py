"""Libraries of this folder are compiled quickly: what is read is tested here, not what compilers make of it."""

import pytest


@pytest.fixture(autouse=True)
def compiled_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave most of the optimisation out."""
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
