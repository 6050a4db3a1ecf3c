"""python -m benchmarks.swap [--quick]: what swapping bundles costs: docs/swap.md."""

import contextlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import msgspec

from app.model.serving import Serving
from benchmarks.machine import ROOT, heading
from benchmarks.page import options, write_page
from benchmarks.tables import table
from benchmarks.wire.connection import Connection
from benchmarks.wire.processes import on, serving, two_cores
from benchmarks.wire.question import BODY
from bundle.deadline import Deadline
from bundle.fetch import read_directory
from bundle.publish import move, next_pointer, position, publish
from bundle.signing.private import SigningKey
from bundle.signing.signature import MANIFEST, sign, signature_file
from bundle.stores.opening import open_store
from bundle.verify import IN_PLACE, Trust, VerifiedBundle, Wanted
from bundle.write import write_bundle
from contract.manifest import encode
from contract.refusal import exit_status
from score.bundle import load_bundle

BUNDLE = ROOT / "artifacts" / "bundle"
ROUNDS, WINDOWS, SWAPS = 3, 50, 10_000
WARM_UP = 20  # requests
WINDOW_SECONDS, FOLLOW_SECONDS = 0.12, 0.05
Windows = list[float]  # the longest request of each, in milliseconds, sorted


class Channel:
    """A store with two releases of the same model, and a channel that goes to and fro."""

    def __init__(self, bundle: Path, directory: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.key = SigningKey(Ed25519PrivateKey.generate())
        self._trust, self._store = Trust((self.key.public,)), open_store(str(directory / "store"))
        self.releases = [self._release(bundle, directory / label, label) for label in ("one", "two")]
        self._turns = itertools.cycle(self.releases)
        self.promote()
        self.environment = {  # of a service that follows the channel
            "BUNDLE": f"{directory}/store#stable",
            "TRUSTED_KEYS": str(self.key.public),
            "FOLLOW_SECONDS": str(FOLLOW_SECONDS),
        }

    def _release(self, bundle: Path, out: Path, label: str) -> VerifiedBundle:
        built = read_directory(bundle, IN_PLACE, Wanted(all_platforms=True))
        manifest = msgspec.structs.replace(built.manifest, bundle_version=label)
        signature = {signature_file(self.key.public): sign(self.key, MANIFEST, encode(manifest))}
        write_bundle(out, manifest, {**built.files, **signature})
        release = read_directory(out, self._trust, Wanted(all_platforms=True))
        publish(self._store, release, Deadline(60), lambda *_: None)
        return release

    def promote(self) -> None:
        """Let the channel name the other release."""
        release = next(self._turns)
        before = position(self._store, "stable", self._trust, Deadline(60))
        now = datetime.now(UTC)
        pointer = next_pointer("stable", before.pointer, release.manifest, release.digest, now, 30, None)
        move(self._store, pointer, before.generation, [self.key], Deadline(60))


def longest_ms(port: int, before: Callable[[], None]) -> float:
    """Return the longest of one client's requests in a window of time that begins with `before`."""
    with contextlib.closing(Connection(port)) as client:  # a new one: the service closes it after many requests
        for _ in range(WARM_UP):
            client.ask()
        before()
        longest, end = 0.0, time.perf_counter() + WINDOW_SECONDS
        while (asked := time.perf_counter()) <= end:
            client.ask()
            longest = max(longest, time.perf_counter() - asked)
    return longest * 1000


def pauses(channel: Channel, rounds: int, windows: int) -> tuple[Windows, Windows]:
    """Return windows without a swap and with one, in turns, in the quietest of some rounds.

    The service has a core of its own; this process is on another.
    """
    server_core, own_core = two_cores()
    with serving(("app",), channel.environment, server_core) as server, on(own_core):
        found = [_round(server.port, channel, windows) for _ in range(rounds)]
    return min(found, key=lambda both: median(both[0]))


def _round(port: int, channel: Channel, windows: int) -> tuple[Windows, Windows]:
    pairs = [(longest_ms(port, lambda: None), longest_ms(port, channel.promote)) for _ in range(windows)]
    still, swapping = zip(*pairs, strict=True)
    return sorted(still), sorted(swapping)


def swap_often(channel: Channel, swaps: int) -> tuple[list[tuple[int, ...]], float]:
    """Load and serve the releases in turn, and ask each. Returns what is held on the way, and milliseconds a swap.

    What is held: after how many swaps, mapped pieces of libraries, descriptors, resident kilobytes.
    """
    serving, held = Serving(), list[tuple[int, ...]]()
    directories = [Path(release.origin.place) for release in channel.releases]
    start = time.perf_counter()
    for number in range(1, swaps + 1):
        serving.swap(load_bundle(directories[number % 2]))
        assert serving.served
        serving.served.predict(BODY)
        if number in (100, 1000, swaps):
            mapped = Path("/proc/self/maps").read_text(encoding="ascii").count("memfd:libmodel")
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            resident = pages * os.sysconf("SC_PAGE_SIZE") // 1024
            held.append((number, mapped, len(os.listdir("/proc/self/fd")), resident))
    return held, (time.perf_counter() - start) / swaps * 1000


def window_row(name: str, found: Windows) -> list[str]:
    """Return a line of the table of pauses."""
    shown = (found[0], median(found), found[len(found) * 3 // 4], found[-1])
    return [name, *(f"{milliseconds:.2f}" for milliseconds in shown)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Returns the exit status."""
    quick, out = options("swap", arguments)
    rounds, windows, swaps = (1, 3, 120) if quick else (ROUNDS, WINDOWS, SWAPS)

    def run() -> None:
        with tempfile.TemporaryDirectory(prefix="swap-") as name:
            channel = Channel(BUNDLE, Path(name))
            still, swapping = pauses(channel, rounds, windows)
            held, swap = swap_often(channel, swaps)
        write_page(
            out / "swap.md",
            heading("Swapping bundles", "make bench-swap"),
            pauses=table(
                ["windows", "least", "median", "three quarters", "most"],
                [window_row("polls", still), window_row("polls and a swap", swapping)],
            ),
            swap=f"{swap:.2f}",
            held=table(
                ["swaps", "mapped pieces of libraries", "open descriptors", "resident kB"],
                [[f"{count:,}" for count in row] for row in held],
            ),
        )

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
