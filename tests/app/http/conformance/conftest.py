"""The doors, each opened when it is first asked for."""

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.app.http.conformance.doors import Door, opened


@pytest.fixture(scope="session")
def doors(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Door]]:
    """Open a door by its name when a test first asks for it."""
    directory = tmp_path_factory.mktemp("doors")
    with contextlib.ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(opened(name, bundle_path, directory / f"{name}.log")))


@pytest.fixture(scope="module")
def door(request: pytest.FixtureRequest, doors: Callable[[str], Door]) -> Door:
    """Return the door that the test names."""
    return doors(request.param)
