"""A channel whose next bundle has another contract, name or format: a source keeps what it has."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bundle.address import parse_address
from bundle.cache import Cache
from bundle.fetch import BundleSource
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.signing.signature import signature_file
from bundle.stores.opening import open_store
from bundle.verify import Trust
from contract.format_2 import CONTRACT
from contract.manifest import MANIFEST_FILE
from contract.schema import CONTRACT_FILE, Contract, Input, Output
from tests.bundle.editing import edit, make_for, make_small_format_2
from tests.bundle.publishing import HANG_SECONDS, promote, put
from tests.support.bundles import NOW, make

GULL = Contract("gull", (Input("wing_mm"),), Output("number"))
INCHES = msgspec.structs.replace(
    CONTRACT, inputs=(msgspec.structs.replace(CONTRACT.inputs[0], unit="in"), *CONTRACT.inputs[1:])
)
MakeNext = Callable[[Path, SigningKey], str]


def make_newer(directory: Path, key: SigningKey) -> str:
    """Make a bundle of a format that this version does not know."""
    make(directory, key)
    return edit(directory, key, lambda manifest: manifest.update(format_version=4))


class Channel:
    """The stable channel of a store in a directory, and the directories of its bundles."""

    def __init__(self, root: Path, key: SigningKey) -> None:
        self.place, self._root, self._key = str(root / "store"), root, key

    def release(self, label: str, make_next: MakeNext) -> str:
        """Put a bundle that may be of another version into the store, and point the channel at it."""
        digest = make_next(self._root / label, self._key)
        shutil.copytree(self._root / label, self._root / "store" / "bundles" / digest)
        self.point(digest)
        return digest

    def point(self, digest: str) -> None:
        """Point the channel at a bundle."""
        store = open_store(self.place)
        promote(store, digest, self._root / "first", self._key)
        store.close()


@pytest.fixture
def channel(tmp_path: Path, key: SigningKey) -> Channel:
    """Make a store whose channel points at a bundle of the penguins."""
    digest = make(tmp_path / "first", key, "first")
    made = Channel(tmp_path, key)
    store = open_store(made.place)
    put(store, tmp_path / "first", key)
    store.close()
    made.point(digest)
    return made


def source_of(channel: Channel, trust: Trust, cache: Cache | None = None) -> BundleSource:
    return BundleSource(parse_address(f"{channel.place}#stable"), trust, cache)


@pytest.mark.parametrize(
    ("make_next", "reason", "told"),
    [
        (make_newer, "format", "expected bundle format 2 or 3, found 4; compile its model with this version"),
        (lambda place, key: make_for(place, key, GULL), "contract", "expected inputs bill_length_mm|found wing_mm"),
        (
            lambda place, key: make_for(place, key, INCHES),
            "contract",
            "expected unit of input 'bill_length_mm' to be 'mm'; found 'in'; start a service for the new contract, or "
            "publish a model of the old one",
        ),
    ],
    ids=["newer format", "another model", "another unit"],
)
def test_a_source_keeps_what_it_has(
    channel: Channel, trust: Trust, cache: Cache, make_next: MakeNext, reason: str, told: str
) -> None:
    """A next bundle that does not fit is refused at every poll. When the channel goes back, nothing has changed."""
    source = source_of(channel, trust, cache)
    fetched = source.fetch(HANG_SECONDS, NOW)
    source.keep(fetched)
    source.expect("", fetched.bundle.contract)
    channel.release("next", make_next)
    for _ in range(2):
        with pytest.raises(BundleRefusal, match=told) as refusal:
            source.poll(HANG_SECONDS, NOW)
        assert refusal.value.reason == reason
    assert source.last_good().digest == fetched.bundle.digest
    channel.point(fetched.bundle.digest)
    assert source.poll(HANG_SECONDS, NOW) is None
    source.close()


def test_a_source_takes_another_model_of_the_contract(channel: Channel, trust: Trust) -> None:
    """A bundle of the same contract comes, in format 3 and in format 2."""
    source = source_of(channel, trust)
    source.expect("penguin", source.fetch(HANG_SECONDS, NOW).bundle.contract)
    for label, make_next in (("old", make_small_format_2), ("new", lambda place, key: make(place, key, "new"))):
        digest = channel.release(label, make_next)
        found = source.poll(HANG_SECONDS, NOW)
        assert found is not None
        assert found.bundle.digest == digest
    source.close()


def test_a_source_that_expects_nothing_takes_any_contract(channel: Channel, trust: Trust) -> None:
    """A source takes any contract until one is expected, and from then on only that one."""
    source = source_of(channel, trust)
    first = source.fetch(HANG_SECONDS, NOW).bundle
    other = channel.release("gull", lambda place, key: make_for(place, key, GULL))
    found = source.poll(HANG_SECONDS, NOW)
    assert found is not None
    assert (found.bundle.digest, found.bundle.contract) == (other, GULL)
    source.expect("", GULL)
    channel.point(first.digest)
    with pytest.raises(BundleRefusal, match="expected inputs wing_mm; found bill_length_mm"):
        source.poll(HANG_SECONDS, NOW)
    source.close()


def test_only_what_names_the_contract_is_read_of_another_one(channel: Channel, key: SigningKey, trust: Trust) -> None:
    """Of a published bundle of another contract neither the model nor the library is read."""
    read: list[str] = []
    source = BundleSource(parse_address(f"{channel.place}#stable"), trust, on_progress=read.append)
    source.expect("gull", None)
    with pytest.raises(BundleRefusal, match=r"expected the model gull \(MODEL_NAME\), found penguin"):
        source.fetch(HANG_SECONDS, NOW)
    source.close()
    assert read == [MANIFEST_FILE, signature_file(key.public), CONTRACT_FILE]


def test_another_model_in_the_cache_is_not_used(channel: Channel, trust: Trust, cache: Cache) -> None:
    """A bundle in the cache must have the expected name and contract, too: it was kept for another setting."""
    source = source_of(channel, trust, cache)
    source.keep(source.fetch(HANG_SECONDS, NOW))
    source.close()
    restarted = source_of(channel, trust, cache)
    for name, contract in (("gull", None), ("", GULL), ("", INCHES)):
        restarted.expect(name, contract)
        with pytest.raises(BundleRefusal, match="expected"):
            restarted.fetch(HANG_SECONDS, NOW)
        with pytest.raises(BundleRefusal) as refusal:
            restarted.last_good()
        assert refusal.value.reason == "contract"
    restarted.expect("penguin", CONTRACT)
    assert restarted.fetch(HANG_SECONDS, NOW).from_cache
    restarted.close()


def test_an_older_model_in_the_cache_is_used_if_the_newest_does_not_fit(
    channel: Channel, trust: Trust, cache: Cache
) -> None:
    """Of the kept bundles the newest one that fits is the last good one."""
    source = source_of(channel, trust, cache)
    first = source.fetch(HANG_SECONDS, NOW)
    source.keep(first)
    channel.release("gull", lambda place, key: make_for(place, key, GULL))
    found = source.poll(HANG_SECONDS, NOW)
    assert found is not None
    source.keep(found)
    assert source.last_good().contract == GULL
    source.expect("penguin", None)
    assert source.last_good().digest == first.bundle.digest
    source.close()
