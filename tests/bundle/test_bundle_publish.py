"""Publication: whatever fails, a store shows whole bundles, and a channel stays or moves."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from bundle.address import parse_address
from bundle.cache import Cache
from bundle.deadline import Deadline
from bundle.fetch import fetch
from bundle.publish import published
from bundle.refusal import CONFLICT, BundleRefusal
from bundle.signing.private import SigningKey, generate, read_signing_key
from bundle.stores.opening import open_store
from bundle.verify import Trust
from contract.manifest import MANIFEST_FILE
from tests.bundle.publishing import promote, put, release
from tests.support.bundles import NOW, make
from tests.support.cloud import Cloud, Fault
from tests.support.commands import ROOT
from tests.support.faults import FULL, READ_ONLY, fail_nth_write

PLACE = "gs://models/penguins"
OBJECTS = 6  # of a bundle: contract, library, certificate, model, signature, manifest
PASSING: tuple[Fault, ...] = (429, 500, 503, "reset", "lost", "cut")
LASTING: tuple[Fault, ...] = (403, 404, "not JSON")  # the last where a pointer is read


def seen_in(place: str, key: SigningKey, digest: str) -> set[str]:
    """Return the bundles that a store shows. Each has to be whole, and the channel at `digest`."""
    store = open_store(place)
    shown = published(store, Deadline(10))
    store.close()
    for found in shown:
        assert fetch(f"{place}@{found}", (key.public,), None, 10, NOW).bundle.digest == found
    assert fetch(f"{place}#stable", (key.public,), None, 10, NOW).bundle.digest == digest
    return set(shown)


def put_and_promote(place: str, digest: str, directory: Path, key: SigningKey) -> None:
    store = open_store(place)
    try:
        put(store, directory, key)
        promote(store, digest, directory, key)
    finally:
        store.close()


@pytest.mark.parametrize("fault", [*PASSING, *LASTING])
def test_the_nth_request_fails_for_every_n(cloud: Cloud, tmp_path: Path, key: SigningKey, fault: Fault) -> None:
    """A fault of any request is retried or refused, nothing half is shown, and a rerun succeeds."""
    first = release(PLACE, tmp_path, key, "0")
    for number in range(1, 30):
        digest = make(tmp_path / str(number), key, str(number))
        cloud.fail_nth(number, fault)
        try:
            put_and_promote(PLACE, digest, tmp_path / str(number), key)
        except BundleRefusal:
            assert fault in LASTING
            made = len(cloud.requests)
            cloud.fail_all(None)
            shown = seen_in(PLACE, key, first)
            assert digest not in shown or made > OBJECTS + 1  # all but the pointer was written
            put_and_promote(PLACE, digest, tmp_path / str(number), key)
            made = number
        else:
            made = len(cloud.requests)
        cloud.fail_all(None)
        first = digest
        assert digest in seen_in(PLACE, key, digest)
        if made < number:
            break
    assert number == OBJECTS + 4  # a mark is looked for, the pointer read and written, then nothing fails


@pytest.mark.parametrize("error", [FULL, READ_ONLY])
def test_the_nth_write_fails_for_every_n(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """A fault of any write into a local store shows nothing half, and a rerun succeeds."""
    place = str(tmp_path / "store")
    current = release(place, tmp_path, key, "0")
    digest = make(tmp_path / "made", key, "new")
    for failing in range(1, 80):
        with monkeypatch.context() as patch:
            not_reached = fail_nth_write(patch, failing, error)
            with suppress(BundleRefusal):
                put_and_promote(place, digest, tmp_path / "made", key)
        if fetch(f"{place}#stable", (key.public,), None, 10, NOW).bundle.digest == digest:
            current = digest  # the pointer's last fsync may fail after it has moved
        seen_in(place, key, current)
        assert not [path for path in Path(place).rglob(".*") if path.name != ".lock"]
        if not_reached():
            break
    else:
        pytest.fail("the fault was injected at every operation tried")
    assert failing > 15
    assert digest in seen_in(place, key, digest)


def test_the_manifest_is_the_last_to_come(cloud: Cloud, tmp_path: Path, key: SigningKey) -> None:
    """The manifest is uploaded last, after its signature and the files."""
    digest = make(tmp_path / "made", key)
    store = open_store(PLACE)
    put(store, tmp_path / "made", key)
    store.close()
    order = [name.rpartition("/")[2] for name in cloud.objects]
    assert order[-2:] == [f"manifest.{key.public.key_id}.sig", MANIFEST_FILE]
    assert set(order) == set(os.listdir(tmp_path / "made"))
    assert all(name.startswith(f"penguins/bundles/{digest}/") for name in cloud.objects)


def test_other_bytes_in_the_way_are_a_conflict(cloud: Cloud, tmp_path: Path, key: SigningKey) -> None:
    """Other bytes under the same name are a conflict and stay."""
    digest = make(tmp_path / "made", key)
    name = f"penguins/bundles/{digest}/model.json"
    cloud.put(name, b"something else")
    store = open_store(PLACE)
    with pytest.raises(BundleRefusal, match="never change") as refusal:
        put(store, tmp_path / "made", key)
    store.close()
    assert refusal.value.reason == "conflict"
    assert cloud.objects[name].data == b"something else"
    assert not [name for name in cloud.objects if name.endswith(MANIFEST_FILE)]


def start(*arguments: str | Path, cloud: Cloud | None = None) -> "subprocess.Popen[str]":
    """Start `python -m bundle ... --json` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "bundle", *map(str, arguments), "--json"],
        cwd=ROOT,
        env={**os.environ, **(cloud.environment if cloud else {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    generate(tmp_path / "key")
    return tmp_path / "key"


@pytest.mark.parametrize("where", ["cloud", "directory"])
def test_of_two_who_promote_at_once_one_wins(
    cloud: Cloud, tmp_path: Path, key_file: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two promotions at once wins, and the other ends with its own status."""
    key = read_signing_key(key_file)
    place = PLACE if where == "cloud" else str(tmp_path / "store")
    monkeypatch.setenv("TRUSTED_KEYS", str(key.public))
    release(place, tmp_path, key, "0")
    digests = [make(tmp_path / label, key, label) for label in "12"]
    store = open_store(place)
    for label in "12":
        put(store, tmp_path / label, key)
    store.close()
    both = threading.Barrier(2)

    def together(_: int, request: str) -> None:
        if request.startswith("POST"):  # both have read the pointer by now
            both.wait(60)

    cloud.fault = together
    processes = [start("promote", f"{place}#stable", digest, "--key", key_file, cloud=cloud) for digest in digests]
    results = [(process.communicate(timeout=60), process.returncode) for process in processes]
    statuses = [status for _, status in results]
    cloud.fail_all(None)
    if where == "directory" and statuses == [0, 0]:
        return  # one came after the other: nothing to show
    assert sorted(statuses) == [0, CONFLICT], results
    winner = digests[statuses.index(0)]
    (_, told), _ = results[statuses.index(CONFLICT)]
    assert json.loads(told)["reason"] == "conflict"
    assert "somebody else" in told
    shown = start("list", place, cloud=cloud)
    out, _ = shown.communicate(timeout=60)
    (pointer,) = json.loads(out)["channels"]
    assert (pointer["digest"], pointer["version"]) == (winner, 2)


def test_a_publisher_that_is_killed_at_any_request_leaves_nothing_half(
    cloud: Cloud, tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publisher killed at any request leaves nothing half, and a rerun finishes."""
    key = read_signing_key(key_file)
    monkeypatch.setenv("TRUSTED_KEYS", str(key.public))
    current = release(PLACE, tmp_path, key, "0")
    digest = make(tmp_path / "made", key, "new")
    for number in range(1, OBJECTS + 2):  # the first looks for a mark
        process = start("publish", tmp_path / "made", PLACE, cloud=cloud)
        killing(cloud, process, number)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        cloud.fail_all(None)
        assert (digest in seen_in(PLACE, key, current)) == (
            f"penguins/bundles/{digest}/{MANIFEST_FILE}" in cloud.names()
        )
        if number % 2:
            for name in [name for name in cloud.names() if digest in name]:
                del cloud.objects[name]
    again = start("publish", tmp_path / "made", PLACE, cloud=cloud)
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert digest in seen_in(PLACE, key, current)


def killing(cloud: Cloud, process: "subprocess.Popen[str]", number: int) -> None:
    """Kill the process at its Nth request. An even request is done all the same, and its answer lost."""

    def kill(n: int, _: str) -> Fault | None:
        if n != number:
            return None
        process.kill()
        process.wait()
        return "reset" if number % 2 else "lost"

    cloud.requests.clear()
    cloud.fault = kill


def test_a_fetch_that_is_killed_at_any_request_leaves_nothing_half(
    cloud: Cloud, tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch killed at any request leaves no directory or the old one, and a rerun finishes."""
    key = read_signing_key(key_file)
    monkeypatch.setenv("TRUSTED_KEYS", str(key.public))
    digest = release(PLACE, tmp_path, key, "0")
    out = tmp_path / "out"
    command = ("fetch", f"{PLACE}@{digest}", "--out", out)
    for number in range(1, 6):
        process = start(*command, cloud=cloud)
        killing(cloud, process, number)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        cloud.fail_all(None)
        assert not out.exists()
    again = start(*command, cloud=cloud)
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert fetch(str(out), (key.public,), None, 10, NOW).bundle.digest == digest


KILLED_AT = """if True:
    import os, signal, sys
    from pathlib import Path
    real, calls = os.fsync, 0
    def fsync(descriptor):
        global calls
        calls += 1
        if calls == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        real(descriptor)
    os.fsync = fsync
    from bundle.cache import Cache
    from bundle.fetch import read_directory
    from bundle.publish import publish
    from bundle.deadline import Deadline
    from bundle.address import parse_address
    from bundle.stores.opening import open_store
    from bundle.signing.keys import trusted_keys
    from bundle.verify import Trust
    bundle = read_directory(Path(sys.argv[2]), Trust(trusted_keys(sys.argv[5])))
    publish(open_store(sys.argv[3]), bundle, Deadline(10), lambda *_: None)
    Cache(Path(sys.argv[4])).keep(parse_address("x#stable"), bundle)
"""


def test_a_process_that_is_killed_at_any_write_leaves_nothing_half(
    tmp_path: Path, key: SigningKey, trust: Trust
) -> None:
    """A process killed at any write leaves nothing half in a store or a cache."""
    digest = make(tmp_path / "made", key)
    place, cache = tmp_path / "store", tmp_path / "cache"
    for number in range(1, 40, 2):
        arguments = (number, tmp_path / "made", place, cache, key.public)
        command = [sys.executable, "-c", KILLED_AT]
        result = subprocess.run(
            [*command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert result.returncode in (0, -signal.SIGKILL), result.stderr
        for found in published(open_store(str(place)), Deadline(5)):
            assert fetch(f"{place}@{found}", (key.public,), None, 5, NOW).bundle.digest == digest
        with suppress(BundleRefusal):
            assert Cache(cache).last_good(parse_address("x#stable"), trust).digest == digest
        if result.returncode == 0:
            break
    assert number > 8
    assert Cache(cache).last_good(parse_address("x#stable"), trust).digest == digest
    assert os.listdir(cache / "bundles") == [digest]
