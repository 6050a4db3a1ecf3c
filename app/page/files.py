"""The files of the pages, as they are sent: read when the first of them is asked for, and compressed once.

Comments and types are for developers, and a fifth of the bytes: they are left out.

One digest names all files together. A page asks for `static/DIGEST/main.js`, and modules import each other by relative
paths: so all files of a page are of one version, and a browser may keep them for ever.
"""

import re
import zlib
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "static"
PLACE = b"@digest@"  # in an HTML file: the digest goes here
DIGEST_DIGITS = 16  # of SHA-256, in hexadecimal: these names are not secrets, and two versions must only differ
GZIP_LEVEL, GZIP_FORMAT = 9, zlib.MAX_WBITS + 16
TYPES = {  # by suffix; other files are not sent
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


# A comment that has its lines for itself. A text in backticks must not have a line that looks so: a test compares the
# tokens of what is sent with those of the source.
_COMMENT = re.compile(rb"^[ \t]*(?:/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/[ \t]*$|//[^\n]*$)", re.MULTILINE)


class Representation(NamedTuple):
    """The bytes of a file in one encoding, with their entity tag. `encoding` is empty, or `gzip`."""

    body: bytes
    encoding: str
    etag: str


class StaticFile(NamedTuple):
    """One file. `gzipped` is None if compression does not make it smaller."""

    media_type: str
    identity: Representation
    gzipped: Representation | None

    def best(self, *, gzip: bool) -> Representation:
        """Return the compressed bytes if the client takes them, else the file as it is."""
        return self.gzipped if gzip and self.gzipped is not None else self.identity


class StaticFiles:
    """The files of a folder. Nothing is read until one of them is asked for. Not for several threads."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._made: dict[str, StaticFile] = {}

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        paths = sorted(path for path in self._folder.iterdir() if path.suffix in TYPES)
        return {path.name: path.read_bytes() for path in paths}

    @cached_property
    def digest(self) -> str:
        """Return the digest of the names and the bytes of all files."""
        whole = sha256()
        for name, content in self._contents.items():
            whole.update(b"%b %d\n%b" % (name.encode(), len(content), content))
        return whole.hexdigest()[:DIGEST_DIGITS]

    def file(self, name: str) -> StaticFile | None:
        """Return the file that a page loads by this name, or None if there is none. Pages themselves are not such."""
        return None if name.endswith(".html") or name not in self._contents else self._file(name)

    def page(self, name: str) -> StaticFile:
        """Return an HTML file, with the digest in its place. Raises KeyError if there is no such file."""
        return self._file(name)

    def _file(self, name: str) -> StaticFile:
        if name not in self._made:
            content = self._contents[name]
            if name.endswith(".html"):
                content = content.replace(PLACE, self.digest.encode())
            elif name.endswith((".js", ".css")):
                content = _COMMENT.sub(_same_lines, content)
            self._made[name] = static_file(content, TYPES[Path(name).suffix])
        return self._made[name]


def _same_lines(comment: re.Match[bytes]) -> bytes:
    """Return empty lines in place of a comment, so that an error in a browser names the line of the source."""
    return b"\n" * comment[0].count(b"\n")


def static_file(content: bytes, media_type: str) -> StaticFile:
    """Return a file with this content, compressed if that makes it smaller."""
    tag = sha256(content).hexdigest()[:DIGEST_DIGITS]
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_FORMAT)
    small = compressor.compress(content) + compressor.flush()
    compressed = Representation(small, "gzip", f'"{tag}-gzip"') if len(small) < len(content) else None
    return StaticFile(media_type, Representation(content, "", f'"{tag}"'), compressed)
