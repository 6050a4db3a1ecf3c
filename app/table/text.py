"""The bytes of a table: whether they are UTF-8, and which line a place is in. They are cut at the ends of lines."""

import codecs
import re
from collections.abc import Iterator

PIECE_BYTES = 65_536  # of a table that are decoded at once
_ENDS = re.compile(rb"\r\n|\r|\n")
BLANKS = b" \t\r\n"
RETURN = ord("\r")
MAX_ROW_BYTES = 1 << 20  # of one row, more if the contract has thousands of inputs
BOM = codecs.BOM_UTF8
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


Body = bytes | bytearray


class Refused(Exception):
    """Raised for a table that is refused as a whole. It carries the message for the client and the HTTP status."""

    def __init__(self, detail: str, status: int = 422) -> None:
        super().__init__(detail)
        self.status = status


def check_text(body: Body) -> None:
    """Raise Refused, which names the line, unless the body is UTF-8."""
    if body.startswith(UTF_16) or b"\0" in body[:2]:
        raise Refused("line 1: expected UTF-8, found UTF-16; save the file as UTF-8 (Excel: CSV UTF-8)")
    decoder = codecs.getincrementaldecoder("utf-8")()
    whole = memoryview(body)
    try:
        for start in range(0, len(body), PIECE_BYTES):
            decoder.decode(whole[start : start + PIECE_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        line, found = _first_fault(body)
        raise Refused(
            f"line {line}: expected UTF-8, found the byte {found:#04x}; save the file as UTF-8 (Excel: CSV UTF-8)"
        ) from None


def _first_fault(body: Body) -> tuple[int, int]:
    """Return the line and the byte of the first place that is no UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return line_of(body, error.start), body[error.start]
    raise AssertionError("the body is UTF-8")


def line_of(body: Body, place: int) -> int:
    """Return the number of the line, from 1 on, in which byte `place` is."""
    return count_lines(body, place) + 1


def count_lines(body: Body, end: int | None = None) -> int:
    """Return how many lines end in the body, or before byte `end`. Each one ends with CR, LF or both."""
    end = len(body) if end is None else end
    count = 0
    for start in range(0, end, PIECE_BYTES):
        piece = body[start : min(start + PIECE_BYTES, end)]
        count += piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
        if piece.startswith(b"\n") and start and body[start - 1] == RETURN:
            count -= 1
    return count


def part(body: Body, start: int, end: int) -> bytes:
    """Return some bytes of the body."""
    return bytes(memoryview(body)[start:end])


def contains(body: Body, text: bytes) -> bool:
    """Return whether the text is in the body. Other threads can run in between."""
    step = PIECE_BYTES * 4
    return any(body.find(text, start, start + step + len(text)) >= 0 for start in range(0, len(body), step))


def trimmed(body: Body) -> tuple[int, int]:
    """Return where the first byte of the body that is no blank is, and where the last one ends."""
    begin, end = 0, len(body)
    while begin < end and not (piece := body[begin : begin + PIECE_BYTES].lstrip(BLANKS)):
        begin += PIECE_BYTES
    if begin >= end:
        return 0, 0
    begin += min(PIECE_BYTES, end - begin) - len(piece)
    while not (piece := body[max(begin, end - PIECE_BYTES) : end].rstrip(BLANKS)):
        end -= PIECE_BYTES
    return begin, max(begin, end - PIECE_BYTES) + len(piece)


def pieces(body: Body, start: int, *, returns: bool) -> Iterator[bytes]:
    """Cut the body from byte `start` on into pieces of about PIECE_BYTES, each of whole lines.

    A longer line is a piece of its own. `returns` is whether a carriage return alone ends a line.
    """
    while start < len(body):
        end = _cut(body, start, start + PIECE_BYTES, returns=returns)
        yield part(body, start, end)
        start = end


def _cut(body: Body, start: int, about: int, *, returns: bool) -> int:
    """Return where the last line that ends before `about` ends, or else the first that ends after it."""
    if about >= len(body):
        return len(body)
    end = body.rfind(b"\n", start, about) + 1
    if end > start:
        return end
    if not returns:
        return (body.find(b"\n", about) + 1) or len(body)
    end = body.rfind(b"\r", start, about - 1) + 1  # not at the last byte, which may be half of a line's end
    if end > start:
        return end
    found = _ENDS.search(body, about - 1)
    return found.end() if found else len(body)
