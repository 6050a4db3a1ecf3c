"""Shares of a backend of HAProxy, set through its runtime socket. A server has the name of its revision.

The weights are whole percents. With round robin they are exact for each 100 requests in a row. Both weights are set in
one line, the growing one first. So some server always has a weight, whatever fails.
"""

import csv
import re
import socket
import time
from pathlib import Path

from contract.refusal import Refusal
from deploy.canary.front import FrontFigures

SECONDS = 5.0
MAX_BYTES = 1 << 20
ANSWERED = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")
# A server's own 5xx, connections that failed and answers that broke off (docs.haproxy.org, management guide, section
# 9.1). A request that is asked again after an orderly close counts once, by what the user got at last. A reset counts
# in each attempt, also where the other server answered then: a revision that crashes looks worse, never better.
FAILED = ("hrsp_5xx", "econ", "eresp")
NAME = re.compile(r"[A-Za-z0-9_.:-]+")  # the names that HAProxy accepts


class HAProxy:
    """One backend."""

    def __init__(self, path: Path, backend: str) -> None:
        self._path, self._backend = path, _checked_name(backend)
        self.name = f"haproxy:{backend}"

    def shares(self) -> dict[str, float]:
        """Return the share of each server in percent, by name. Raises Refusal."""
        weights = self._weights()
        total = sum(weights.values())
        return {server: 100 * weight / total if total else 0.0 for server, weight in weights.items()}

    def send(self, old: str, new: str, share: int) -> None:
        """Give `share` percent to the new revision and the rest to the old one. Raises Refusal."""
        weights = self._weights()
        wanted = {
            _checked_name(old): 100 - share,
            _checked_name(new): share,
            **{other: 0 for other in weights if other not in (old, new)},
        }
        order = sorted(wanted, key=lambda server: weights.get(server, 0) - wanted[server])
        reply = self._ask("; ".join(f"set weight {self._backend}/{server} {wanted[server]}" for server in order))
        if reply.strip():
            raise Refusal(f"HAProxy at {self._path}: {' '.join(reply.split())}; the socket needs level admin")

    def back(self, old: str, new: str) -> None:
        """Give all requests to the old server. HAProxy has no place for a mark: the audit log remembers it."""
        self.send(old, new, 0)

    def rolled_back(self) -> str | None:
        """Return None: see `back`."""
        return None

    def statistics(self, server: str) -> tuple[int, int]:
        """Return how many requests a server got since HAProxy's start, and how many failed. Raises Refusal."""
        lines = self._ask("show stat -1 4 -1").removeprefix("# ").splitlines()  # a name could mean the frontend
        named = (row for row in csv.DictReader(lines) if row["pxname"] == self._backend)
        row = next((row for row in named if row["svname"] == server), None)
        if row is None or not row.get("hrsp_5xx"):
            raise Refusal(f"HAProxy at {self._path} shows no statistics of {self._backend}/{server}; is it mode http?")
        requests = sum(int(row[name] or 0) for name in {*ANSWERED, *FAILED})
        return requests, sum(int(row[name] or 0) for name in FAILED)

    def _weights(self) -> dict[str, int]:
        lines = self._ask(f"show servers state {self._backend}").splitlines()
        header = next((line.removeprefix("# ").split() for line in lines if line.startswith("# ")), [])
        if "srv_uweight" not in header:
            said = " ".join(" ".join(lines).split()) or "nothing"
            raise Refusal(f"HAProxy at {self._path} does not show backend {self._backend}; it said: {said}")
        rows = [dict(zip(header, line.split(), strict=False)) for line in lines if line[:1].isdigit() and " " in line]
        return {row["srv_name"]: int(row["srv_uweight"]) for row in rows}

    def _ask(self, command: str) -> str:
        answer = b""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(SECONDS)
                connection.connect(str(self._path))
                connection.sendall(command.encode() + b"\n")
                while len(answer) < MAX_BYTES and (data := connection.recv(65_536)):
                    answer += data
        except OSError as error:
            raise Refusal(
                f"cannot ask HAProxy at {self._path}: {error}; see `stats socket` in its configuration"
            ) from error
        return answer.decode("utf-8", "replace")


class HAProxyFront:
    """HAProxy's figures of one server, as differences of two readings. It keeps no durations of single requests."""

    late_seconds = 0.0

    def __init__(self, haproxy: HAProxy, server: str) -> None:
        self._haproxy, self._server = haproxy, server
        self._readings: list[tuple[float, int, int]] = []  # when, in seconds since 1970, and both counts

    def read(self, since: float) -> FrontFigures:
        """Return what was counted since the last reading at or before that moment, or the first. Raises Refusal."""
        requests, failures = self._haproxy.statistics(self._server)
        self._readings.append((time.time(), requests, failures))
        before = [each for each in self._readings if each[0] <= since] or self._readings[:1]
        _, then_requests, then_failures = before[-1]
        if requests < then_requests or failures < then_failures:  # HAProxy was started again
            then_requests = then_failures = 0
        return FrontFigures(requests - then_requests, failures - then_failures)


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise Refusal(f"expected a name of letters, digits and _.:-, as HAProxy takes it, found {name!r}")
    return name
