"""Asking a revision for the golden row of its bundle: the margins are right to the last bit, or wrong."""

import http.client
import struct
import time
import urllib.parse
from pathlib import Path

import msgspec

from contract.manifest import MANIFEST_FILE, Digest, Manifest, decode_manifest
from contract.reading import contract_of
from contract.refusal import Refusal
from contract.schema import CONTRACT_FILE, Contract
from deploy.canary.figures import GOLDEN
from deploy.canary.scrape import checked_url

SECONDS = 5.0  # the longest wait for one answer
ATTEMPTS = 3
PAUSE_SECONDS = 0.5


class GoldenCheck:
    """What the revision at `url` must serve and answer."""

    def __init__(self, url: str, bundle: Path) -> None:
        path = bundle / MANIFEST_FILE
        data = _read(path)
        self._url = urllib.parse.urlsplit(checked_url(url))
        self._manifest: Manifest = decode_manifest(data, str(path))
        self._digest = Digest.of(data).sha256
        self._contract = _contract(bundle, self._manifest)

    @property
    def label(self) -> str:
        """The label of metrics that holds the predicted class; empty if the answers are numbers."""
        output = self._contract.output
        return output.label if output.classed else ""

    def mistake(self) -> str | None:
        """Return what is wrong, or None. If there is no answer, ask again. One wrong answer is enough."""
        why = "it was not asked"
        for attempt in range(ATTEMPTS):
            time.sleep(PAUSE_SECONDS if attempt else 0)
            try:
                status, version, body = self._ask()
            except (OSError, http.client.HTTPException) as error:
                why = f"no answer to the golden row from {self._url.geturl()}: {error or type(error).__name__}"
                continue
            if status in (429, 503):
                why = f"the golden row was answered {status}: {body[:200].decode(errors='replace')}"
                continue
            return self._difference(status, version, body)
        return why

    def _ask(self) -> tuple[int, str, bytes]:
        golden = self._manifest.golden
        row = list(golden.measurements)
        tensor = {"name": "measurements", "datatype": "FP32", "shape": [1, len(row)], "data": row}
        body = msgspec.json.encode({"inputs": [tensor], "outputs": [{"name": "margin"}]})
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._url.netloc, timeout=SECONDS)
        try:
            connection.request(
                "POST",
                f"{self._url.path}/v2/models/{self._contract.name}{GOLDEN}",
                body,
                {"content-type": "application/json"},
            )
            reply = connection.getresponse()
            return reply.status, reply.getheader("model-version", ""), reply.read()
        finally:
            connection.close()

    def _difference(self, status: int, version: str, body: bytes) -> str | None:
        if status != 200:
            return f"the golden row was answered {status}: {body[:200].decode(errors='replace')}"
        if version != self._digest:
            return f"it serves bundle {version[:12] or '(unnamed)'}, expected {self._digest[:12]}"
        try:
            found = {each.name: tuple(each.data) for each in msgspec.json.decode(body, type=_Response).outputs}
            margins = found["margin"]
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
            return f"its answer to the golden row is not one: {error}"
        golden = self._manifest.golden
        if _bits(margins) == _bits(golden.margins):
            return None
        return f"the golden row's margins are {margins}, expected {golden.margins}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror}; --bundle names the new release's directory") from error


def _contract(bundle: Path, manifest: Manifest) -> Contract:
    """Return the contract of a bundle. Raises Refusal if its file is not the one that the manifest lists."""
    listed = manifest.files.get(CONTRACT_FILE)
    data = _read(bundle / CONTRACT_FILE) if listed else None
    if data is not None and listed != Digest.of(data):
        path = bundle / CONTRACT_FILE
        raise Refusal(f"{path} is not the file that {MANIFEST_FILE} beside it lists; give a bundle as it was made")
    return contract_of(manifest, data, str(bundle))


class _Output(msgspec.Struct):
    name: str
    data: list[float]


class _Response(msgspec.Struct):
    outputs: list[_Output]


def _bits(values: tuple[float, ...]) -> bytes:
    return struct.pack(f"={len(values)}f", *values)
