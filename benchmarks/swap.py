"""python -m benchmarks.swap [--swaps N]: what verifying and swapping bundles costs, written to docs/swap.md."""

import argparse
import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from app.bundle import load_bundle
from app.serving import Serving
from benchmarks.compiled import ROOT
from benchmarks.machine import heading
from benchmarks.wire.example import first_answer, request, warm_up
from benchmarks.wire.processes import Server, two_cores
from benchmarks.wire.stage import free_port
from bundle.deadline import Deadline
from bundle.fetch import read_directory
from bundle.keys import SigningKey
from bundle.publish import move, next_pointer, position, publish
from bundle.signature import MANIFEST, sign, signature_file
from bundle.store import open_store
from bundle.verify import IN_PLACE, Trust, VerifiedBundle, Wanted
from bundle.write import write_bundle
from contract.files import write_atomically
from contract.manifest import encode
from contract.refusal import exit_status

PAGE = ROOT / "docs" / "swap.md"
COLD_STARTS = 15
ROUNDS, WINDOWS, WINDOW_SECONDS = 3, 50, 0.12
FOLLOW_SECONDS = 0.05

TIMED_LOAD = """
import time
import app.serve
from app.loading import start_serving
from app.settings import read_settings
start = time.perf_counter()
assert start_serving(read_settings()).version
print(time.perf_counter() - start)
"""


class Holding(NamedTuple):
    """What this process holds after so many swaps."""

    swaps: int
    mapped: int  # pieces of libraries
    descriptors: int
    resident_kb: int


class Channel:
    """A store with two releases of the same model, and a channel that goes to and fro."""

    def __init__(self, bundle: Path, directory: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.key = SigningKey(Ed25519PrivateKey.generate())
        self.trust = Trust((self.key.public,))
        self.store = open_store(str(directory / "store"))
        self.reference = f"{directory}/store#stable"
        self.releases = [self._release(bundle, directory / label, label) for label in ("one", "two")]
        self._turns = itertools.cycle(self.releases)
        self.promote()

    def _release(self, bundle: Path, out: Path, label: str) -> VerifiedBundle:
        built = read_directory(bundle, IN_PLACE, Wanted(all_platforms=True))
        manifest = msgspec.structs.replace(built.manifest, bundle_version=label)
        signature = {signature_file(self.key.public): sign(self.key, MANIFEST, encode(manifest))}
        write_bundle(out, manifest, {**built.files, **signature})
        release = read_directory(out, self.trust, Wanted(all_platforms=True))
        publish(self.store, release, Deadline(60), lambda *_: None)
        return release

    def promote(self) -> None:
        """The other one."""
        release = next(self._turns)
        before = position(self.store, "stable", self.trust, Deadline(60))
        now = datetime.now(UTC)
        pointer = next_pointer("stable", before.pointer, release.manifest, release.digest, now, 30, None)
        move(self.store, pointer, before.generation, [self.key], Deadline(60))

    @property
    def environment(self) -> dict[str, str]:
        """Of a service that follows it."""
        return {"BUNDLE": self.reference, "TRUSTED_KEYS": str(self.key.public), "FOLLOW_SECONDS": str(FOLLOW_SECONDS)}


def cold_load_ms(environment: dict[str, str], starts: int = COLD_STARTS) -> float:
    """The median of fresh processes: to verify and load a local bundle once everything else is imported."""

    def once() -> float:
        command = [sys.executable, "-c", TIMED_LOAD]
        result = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=True)
        return float(result.stdout) * 1000

    return statistics.median(once() for _ in range(starts))


def cold_start_ms(environment: dict[str, str]) -> float:
    """The median from the start of a process to its first answer."""

    def once() -> float:
        start = time.perf_counter()
        server = Server(("app",), free_port(), environment, two_cores()[0])
        try:
            first_answer(server)
            return (time.perf_counter() - start) * 1000
        finally:
            server.stop()

    return statistics.median(once() for _ in range(COLD_STARTS))


def longest_ms(port: int, before: Callable[[], None]) -> float:
    """Of one client's requests in a window of time that begins with `before`."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asking = request(port)
        for _ in range(20):
            client.sendall(asking)
            client.recv(65_536)
        before()
        longest = 0.0
        end = time.perf_counter() + WINDOW_SECONDS
        while (asked := time.perf_counter()) < end:
            client.sendall(asking)
            client.recv(65_536)
            longest = max(longest, time.perf_counter() - asked)
    return longest * 1000


def pauses(channel: Channel) -> tuple[list[float], list[float]]:
    """The longest request of each window: without a swap and with one, in turns, in the quietest of some rounds."""
    with following(channel) as port:
        rounds = []
        for _ in range(ROUNDS):
            pairs = [(longest_ms(port, lambda: None), longest_ms(port, channel.promote)) for _ in range(WINDOWS)]
            still, swapping = zip(*pairs, strict=True)
            rounds.append((sorted(still), sorted(swapping)))
    return min(rounds, key=lambda windows: statistics.median(windows[0]))


@contextmanager
def following(channel: Channel) -> Iterator[int]:
    """The port of a warm service on a core of its own; this process is on another."""
    server_core, own_core = two_cores()
    os.sched_setaffinity(0, own_core)
    server = Server(("app",), free_port(), channel.environment, server_core)
    try:
        first_answer(server)
        warm_up(server.port, 300)
        yield server.port
    finally:
        server.stop()
        os.sched_setaffinity(0, server_core | own_core)


def swap_often(channel: Channel, swaps: int) -> tuple[list[Holding], float]:
    """Load and serve the releases in turn, ask each; what is held on the way, and milliseconds for one."""
    serving = Serving()
    directories = [Path(release.origin.place) for release in channel.releases]
    held = []
    start = time.perf_counter()
    for number in range(1, swaps + 1):
        serving.swap(load_bundle(directories[number % 2]))
        assert serving.served
        serving.served.predict((39.1, 18.7, 181.0, 3750.0))
        if number in (100, 1000, swaps):
            held.append(_holding(number))
    return held, (time.perf_counter() - start) / swaps * 1000


def _holding(swaps: int) -> Holding:
    mapped = Path("/proc/self/maps").read_text(encoding="ascii").count("memfd:libmodel")
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Holding(swaps, mapped, len(os.listdir("/proc/self/fd")), resident * os.sysconf("SC_PAGE_SIZE") // 1024)


def page(
    loads: dict[str, float], start: float, windows: tuple[list[float], list[float]], held: list[Holding], swap: float
) -> str:
    """The document."""
    lines = [
        *heading("Loading and swapping bundles", "make bench-swap"),
        "## Share of a cold start",
        "",
        f"Median of {COLD_STARTS} fresh processes: read, verify, map, ask the golden row. From the start of a process "
        f"to its first answer: {start:.0f} ms.",
        "",
        "| bundle | ms |",
        "| --- | --: |",
        *(f"| {name} | {milliseconds:.1f} |" for name, milliseconds in loads.items()),
        "",
        "## The longest pause of a request",
        "",
        f"One client asks in a closed loop while a service, on one core, polls a channel every "
        f"{FOLLOW_SECONDS * 1000:.0f} ms. The longest request of each window of {WINDOW_SECONDS * 1000:.0f} ms; "
        f"{WINDOWS} windows without a swap and {WINDOWS} with one, in turns; of {ROUNDS} rounds the one in which the "
        "machine was quietest. Milliseconds:",
        "",
        "| windows | least | median | three quarters | most |",
        "| --- | --: | --: | --: | --: |",
        *(
            f"| {name} | {longest[0]:.2f} | {statistics.median(longest):.2f} | "
            f"{longest[len(longest) * 3 // 4]:.2f} | {longest[-1]:.2f} |"
            for name, longest in zip(("polls", "polls and a swap"), windows, strict=True)
        ),
        "",
        "What stands under *most* is the other users of the machine: it is in both lines.",
        "",
        "## Many swaps",
        "",
        f"In one process, {swap:.2f} ms each, all included.",
        "",
        "| swaps | mapped pieces of libraries | open descriptors | resident kB |",
        "| --: | --: | --: | --: |",
        *(f"| {row.swaps:,} | {row.mapped} | {row.descriptors} | {row.resident_kb:,} |" for row in held),
        "",
    ]
    return "\n".join(lines)


def run(arguments: argparse.Namespace) -> None:
    """Measure and write. Raises Refusal."""
    with tempfile.TemporaryDirectory(prefix="swap-") as name:
        channel = Channel(arguments.bundle, Path(name))
        built = {"BUNDLE": str(arguments.bundle), "ALLOW_UNSIGNED_BUNDLES": "1"}
        signed = {"BUNDLE": channel.releases[0].origin.place, "TRUSTED_KEYS": str(channel.key.public)}
        loads = {"built here, no signature": cold_load_ms(built), "signed": cold_load_ms(signed)}
        start = cold_start_ms(signed)
        windows = pauses(channel)
        held, swap = swap_often(channel, arguments.swaps)
    write_atomically(arguments.out, page(loads, start, windows, held, swap).encode())
    print(f"wrote {arguments.out}")


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swap", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=ROOT / "artifacts" / "bundle")
    parser.add_argument("--swaps", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    return exit_status(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
