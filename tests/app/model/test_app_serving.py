"""The served model: which bytes run, which answers name it, and what a swap leaves behind."""

import os
import shutil
from pathlib import Path

from app.model.serving import Served, Serving
from bundle.fetch import read_directory
from bundle.verify import IN_PLACE
from score.bundle import load_bundle, load_verified
from tests.support.commands import EXAMPLE
from tests.support.releases import (
    INFER,
    Release,
    Shop,
    assert_serves,
    until_ready,
)
from tests.support.requests import BIRD
from tests.support.service import APP, Service, serving


def test_every_answer_of_a_model_names_it(service: Service, bundle_path: Path) -> None:
    """Every answer names the model's version, even an answer to a faulty request."""
    version = load_bundle(bundle_path).version
    replies = [
        service.predict(EXAMPLE),
        service.predict(b"{}"),
        service.predict({**EXAMPLE, "body_mass_g": 3.75}),
        service.request("POST", INFER, b"{}"),
        service.request("GET", "/model"),
    ]
    assert [reply.status for reply in replies] == [200, 422, 400, 400, 200]
    assert [reply.headers["model-version"] for reply in replies] == [version] * 5


# The bytes that run
def test_files_that_are_cut_under_a_running_service_change_nothing(
    shop: Shop, kept: dict[str, str], first: Release, tmp_path: Path
) -> None:
    """A service runs its own sealed copy, so a file that is cut on disk changes nothing."""
    with serving(shop.stable, APP, **kept) as service:
        until_ready(service)
        for root in (Path(shop.place), tmp_path / "cache"):
            (library,) = root.glob(f"bundles/{first.digest}/libmodel*")
            os.truncate(library, 0)
        assert_serves(service, first)
    with serving(first.directory, APP, **shop.environment()) as service:
        (library,) = first.directory.glob("libmodel*")
        whole = library.read_bytes()
        os.truncate(library, 0)
        try:
            assert_serves(service, first)
        finally:
            library.write_bytes(whole)


def test_files_that_are_swapped_between_the_check_and_the_load_change_nothing(
    first: Release, second: Release, tmp_path: Path
) -> None:
    """The service loads the bytes that it checked, although the files were swapped."""
    directory = tmp_path / "bundle"
    shutil.copytree(first.directory, directory)
    verified = read_directory(directory, IN_PLACE)
    shutil.rmtree(directory)
    shutil.copytree(second.directory, directory)
    library = load_verified(verified).library
    assert library.predict(first.golden.measurements)[0] == first.golden.label
    assert tuple(library.margins) == first.golden.margins


def test_swapping_leaves_nothing_behind(first: Release, second: Release) -> None:
    """Hundreds of swaps leave no mapping, no descriptor and no memory."""
    serving = Serving()
    directories = (first.directory, second.directory)
    held = []
    for number in range(400):
        serving.swap(load_bundle(directories[number % 2]))
        served = serving.served
        assert isinstance(served, Served)
        assert served.library.predict(first.golden.measurements)
        assert served.predict(BIRD).status == 200
        if number in (100, 399):
            held.append(holdings())
    (mapped, opened, kilobytes), (mapped_then, opened_then, kilobytes_then) = held
    assert (mapped_then, opened_then) == (mapped, opened)
    assert kilobytes_then - kilobytes < 2000  # of 300 libraries of 80 kB each


def holdings() -> tuple[int, int, int]:
    """Mapped pieces of libraries, open descriptors, resident kilobytes of this process."""
    mapped = Path("/proc/self/maps").read_text().count("memfd:libmodel")
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    return mapped, len(os.listdir("/proc/self/fd")), resident
