"""python -m benchmarks.swap [--quick]: what verifying and swapping bundles costs: docs/swap.md."""

import argparse
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import msgspec

from app.model.bundle import load_bundle
from app.model.serving import Serving
from benchmarks.machine import ROOT, heading
from benchmarks.page import DOCS, PARTIAL, write_page
from benchmarks.tables import table
from benchmarks.wire.processes import Server, ask_often, free_port, on, two_cores
from benchmarks.wire.question import request
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

BUNDLE = ROOT / "artifacts" / "bundle"
STARTS, ROUNDS, WINDOWS, SWAPS = 15, 3, 50, 10_000
WINDOW_SECONDS, FOLLOW_SECONDS = 0.12, 0.05
Windows = list[float]  # the longest request of each, in milliseconds, sorted

TIMED_LOAD = """
import time
import app.process.serve
from app.model.loading import start_serving
from app.core.settings import read_settings
start = time.perf_counter()
assert start_serving(read_settings()).version
print(time.perf_counter() - start)
"""


class Channel:
    """A store with two releases of the same model, and a channel that goes to and fro."""

    def __init__(self, bundle: Path, directory: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.key = SigningKey(Ed25519PrivateKey.generate())
        self._trust, self._store = Trust((self.key.public,)), open_store(str(directory / "store"))
        self.releases = [self._release(bundle, directory / label, label) for label in ("one", "two")]
        self._turns = itertools.cycle(self.releases)
        self.promote()
        trusted, place = str(self.key.public), self.releases[0].origin.place
        self.follows = {"BUNDLE": f"{directory}/store#stable", "TRUSTED_KEYS": trusted}  # a service's environment
        self.follows["FOLLOW_SECONDS"] = str(FOLLOW_SECONDS)
        self.signed = {"BUNDLE": str(place), "TRUSTED_KEYS": trusted}

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


def cold_load_ms(environment: dict[str, str]) -> float:
    """Return the milliseconds in which a fresh process verifies and loads a local bundle, after all imports."""
    command = [sys.executable, "-c", TIMED_LOAD]
    result = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=True)
    return float(result.stdout) * 1000


def longest_ms(port: int, before: Callable[[], None]) -> float:
    """Return the longest of one client's requests in a window of time that begins with `before`."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asking, longest = request(port), 0.0

        def ask() -> float:
            asked = time.perf_counter()
            client.sendall(asking)
            client.recv(65_536)
            return time.perf_counter() - asked

        for _ in range(20):  # they warm the connection
            ask()
        before()
        end = time.perf_counter() + WINDOW_SECONDS
        while time.perf_counter() <= end:
            longest = max(longest, ask())
    return longest * 1000


def pauses(channel: Channel, rounds: int, windows: int) -> tuple[Windows, Windows]:
    """Return windows without a swap and with one, in turns, in the quietest of some rounds.

    The service has a core of its own; this process is on another.
    """
    server_core, own_core = two_cores()
    server, found = Server(("app",), free_port(), channel.follows, server_core), []
    try:
        server.first_answer()
        with on(own_core):
            ask_often(server.port, 300)
            for _ in range(rounds):
                pairs = [
                    (longest_ms(server.port, lambda: None), longest_ms(server.port, channel.promote))
                    for _ in range(windows)
                ]
                still, swapping = zip(*pairs, strict=True)
                found.append((sorted(still), sorted(swapping)))
    finally:
        server.stop()
    return min(found, key=lambda both: median(both[0]))


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
        serving.served.predict((39.1, 18.7, 181.0, 3750.0))
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


def main() -> None:
    """Measure and write the page. Raises Refusal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swap", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds; the page is not published")
    quick = parser.parse_args().quick
    starts, rounds, windows, swaps = (1, 1, 3, 120) if quick else (STARTS, ROUNDS, WINDOWS, SWAPS)
    with tempfile.TemporaryDirectory(prefix="swap-") as name:
        channel = Channel(BUNDLE, Path(name))
        built = {"BUNDLE": str(BUNDLE), "ALLOW_UNSIGNED_BUNDLES": "1"}
        loads = {"built here, no signature": built, "signed": channel.signed}
        medians = {what: median(cold_load_ms(how) for _ in range(starts)) for what, how in loads.items()}
        still, swapping = pauses(channel, rounds, windows)
        held, swap = swap_often(channel, swaps)
    write_page(
        (PARTIAL if quick else DOCS) / "swap.md",
        heading="\n".join(heading("Loading and swapping bundles", "make bench-swap")),
        loads=table(["bundle", "ms"], [[what, f"{milliseconds:.1f}"] for what, milliseconds in medians.items()]),
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


if __name__ == "__main__":
    sys.exit(exit_status(main))
