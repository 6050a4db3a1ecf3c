"""Google Cloud Storage as its own client sees it: objects with generations and preconditions, over real sockets.

Every request has a number, from 1 on; a fault can be put on any of them, or on all.
"""

import base64
import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.fakes import Handler, running
from tests.support.wire import RESET

Fault = int | str  # a status, or one of FAULTS
FAULTS = (
    "reset",  # the connection, before anything is done
    "lost",  # the answer, after it is done
    "stall",  # no answer until the server ends
    "drip",  # a byte at a time, for ever
    "cut",  # half of the body
    "wrong bytes",  # of the right length
    "too many bytes",
    "no generation",
    "not JSON",
)
DRIP_SECONDS = 0.05


class Object(NamedTuple):
    """One version of an object."""

    data: bytes
    generation: int


class Cloud:
    """The state, which a test reads and changes. `fault(number, method and path)` chooses what goes wrong."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.requests: list[str] = []
        self.fault: Callable[[int, str], Fault | None] = lambda _number, _request: None
        self.ended = threading.Event()
        self.lock = threading.RLock()
        self.uploads: dict[str, dict[str, str]] = {}
        self.sent_bytes = 0
        self.port = 0
        self._generation = 1000

    def put(self, name: str, data: bytes) -> None:
        """Write an object over whatever is there."""
        with self.lock:
            self._generation += 1
            self.objects[name] = Object(data, self._generation)

    def names(self) -> list[str]:
        with self.lock:
            return sorted(self.objects)

    def fail_nth(self, number: int, fault: Fault) -> None:
        """Fail the Nth request from now on."""
        self.requests.clear()
        self.fault = lambda n, _: fault if n == number else None

    def fail_all(self, fault: Fault | None) -> None:
        self.requests.clear()
        self.fault = lambda _n, _request: fault

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment that leads the client here, for which it needs no credentials."""
        return {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{self.port}"}


@contextlib.contextmanager
def running_cloud() -> Iterator[Cloud]:
    """Run the fake on a free port until the end of the block."""
    cloud = Cloud()
    with running(type("Handler", (_Handler,), {"cloud": cloud}), cloud.ended.set) as cloud.port:
        yield cloud


def refused_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def crc32c(data: bytes) -> int:
    """Return the checksum that the client compares after an upload."""
    import google_crc32c

    value: int = google_crc32c.value(data)
    return value


class _Handler(Handler):
    cloud: Cloud
    fault: Fault | None

    def respond(self, body: bytes) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        with self.cloud.lock:
            self.cloud.requests.append(f"{self.command} {self.path}")
            number = len(self.cloud.requests)
        self.fault = self.cloud.fault(number, f"{self.command} {self.path}")  # which may wait, or kill
        if isinstance(self.fault, int):
            self._answer_error(self.fault)
        elif self.fault == "reset":
            self._reset()
        elif self.fault == "stall":
            self.cloud.ended.wait()
            self.close_connection = True
        else:
            with self.cloud.lock:
                answer = self._route(url.path, query, body)
            self._reset() if self.fault == "lost" else self._answer(*answer)

    def _route(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if found := re.fullmatch(r"/upload/storage/v1/b/([^/]+)/o", path):
            return self._upload(query, body)
        if found := re.fullmatch(r"(?:/download)?/storage/v1/b/([^/]+)/o/(.+)", path):
            return self._download(unquote(found[2]), query)
        if re.fullmatch(r"/storage/v1/b/([^/]+)/o", path):
            prefix = query.get("prefix", "")
            items = [self._resource(name) for name in self.cloud.names() if name.startswith(prefix)]
            return self._json({"kind": "storage#objects", "items": items})
        return self._error(404)

    def _download(self, name: str, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        found = self.cloud.objects.get(name)
        if found is None or query.get("generation", str(found.generation)) != str(found.generation):
            return self._error(404)
        if self.command == "DELETE":
            if query.get("ifGenerationMatch", str(found.generation)) != str(found.generation):
                return self._error(412)
            del self.cloud.objects[name]
            return 204, {}, b""
        if query.get("ifGenerationNotMatch") == str(found.generation):
            return 304, {}, b""
        if query.get("alt") != "media":
            return self._json(self._resource(name))
        headers = {"x-goog-generation": str(found.generation)}
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", "")):
            first, last = int(wanted[1]), min(int(wanted[2]), len(found.data) - 1)
            if first > last:
                return self._error(416)
            headers["content-range"] = f"bytes {first}-{last}/{len(found.data)}"
            return 206, headers, found.data[first : last + 1]
        return 200, headers, found.data

    def _upload(self, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if query["uploadType"] == "multipart":
            metadata, media = self._parts(body)
            return self._create(metadata["name"], media, query)
        if self.command == "POST":
            key = str(len(self.cloud.uploads) + 1)
            self.cloud.uploads[key] = {**query, "name": json.loads(body)["name"]}
            location = (
                f"http://127.0.0.1:{self.cloud.port}{urlsplit(self.path).path}?uploadType=resumable&upload_id={key}"
            )
            return 200, {"location": location}, b""
        upload = self.cloud.uploads[query["upload_id"]]
        return self._create(upload["name"], body, upload)  # the client sends one piece where no chunk size is set

    def _parts(self, body: bytes) -> tuple[dict[str, str], bytes]:
        boundary = re.search(r"boundary=[\"']?([^\"';]+)", self.headers["content-type"])
        assert boundary is not None
        _, metadata, media, _ = body.split(b"--" + boundary[1].encode())
        return json.loads(metadata.partition(b"\r\n\r\n")[2]), media.partition(b"\r\n\r\n")[2][:-2]

    def _create(self, name: str, data: bytes, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        there = self.cloud.objects.get(name)
        wanted = query.get("ifGenerationMatch")
        if wanted is not None and int(wanted) != (there.generation if there else 0):
            return self._error(412)
        self.cloud.put(name, data)
        return self._json(self._resource(name))

    def _resource(self, name: str) -> dict[str, str]:
        found = self.cloud.objects[name]
        return {
            "kind": "storage#object",
            "name": name,
            "generation": str(found.generation),
            "size": str(len(found.data)),
            "crc32c": base64.b64encode(struct.pack(">I", crc32c(found.data))).decode(),
        }

    def _json(self, document: object) -> tuple[int, dict[str, str], bytes]:
        return 200, {"content-type": "application/json"}, json.dumps(document).encode()

    def _error(self, status: int) -> tuple[int, dict[str, str], bytes]:
        document = {"error": {"code": status, "message": f"the fake says {status}"}}
        return status, {"content-type": "application/json"}, json.dumps(document).encode()

    def _answer_error(self, status: int) -> None:
        self._answer(*self._error(status))

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        length = len(body)
        if self.fault == "wrong bytes":
            body = bytes(byte ^ 1 for byte in body)
        elif self.fault == "too many bytes":
            body = body + b"x" * 1_000_000
            length = len(body)
        elif self.fault == "not JSON":
            body = b"<html>" + b" " * max(0, length - 6)
            length = len(body)
        elif self.fault == "no generation":
            headers = {name: value for name, value in headers.items() if name != "x-goog-generation"}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("content-length", str(length))
        self.end_headers()
        self._send(body)

    def _send(self, body: bytes) -> None:
        with contextlib.suppress(OSError):  # the client has seen enough
            if self.fault == "drip":
                self.wfile.flush()
                for i in range(len(body)):
                    self.wfile.write(body[i : i + 1])
                    self.wfile.flush()
                    if self.cloud.ended.wait(DRIP_SECONDS):
                        break
                self.close_connection = True
                return
            if self.fault == "cut":
                body = body[: len(body) // 2]
                self.close_connection = True
            self.wfile.write(body)
            self.wfile.flush()
            self.cloud.sent_bytes += len(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close_connection = True
