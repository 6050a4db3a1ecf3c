"""Compressed files. At most a megabyte is unpacked here, whatever size a file claims."""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable

import msgspec

from compile.reading.foreign.sample import HEAD, Sample

LZMA_MEMORY = 128 << 20  # bytes; xz -9 needs 65 MiB
ZLIB = "python3 -c 'import sys, zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))' <"


class Packing(msgspec.Struct, frozen=True):
    """A compression: its name, how a file begins, the command that unpacks to stdout, and how it is unpacked here.

    `unpack` returns at most `HEAD` bytes, and whether these are all. It is None if Python 3.11 cannot unpack it.
    """

    name: str
    start: re.Pattern[bytes]
    command: str
    unpack: Callable[[bytes], tuple[bytes, bool]] | None


class Unpacked(msgspec.Struct, frozen=True):
    """What was unpacked from a file, empty if nothing could be. `whole` means that this is everything in it."""

    packing: Packing
    data: bytes
    whole: bool


def _zlib(data: bytes) -> tuple[bytes, bool]:
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # zlib or gzip, by the header
    return decompressor.decompress(data, HEAD), decompressor.eof


def _bz2(data: bytes) -> tuple[bytes, bool]:
    decompressor = bz2.BZ2Decompressor()
    return decompressor.decompress(data, HEAD), decompressor.eof


def _lzma(data: bytes) -> tuple[bytes, bool]:
    decompressor = lzma.LZMADecompressor(memlimit=LZMA_MEMORY)
    return decompressor.decompress(data, HEAD), decompressor.eof


PACKINGS = (
    Packing("gzip", re.compile(rb"\x1f\x8b\x08"), "gzip -dc <", _zlib),
    Packing("bzip2", re.compile(rb"BZh[1-9]1AY&SY"), "bzip2 -dc <", _bz2),
    Packing("xz", re.compile(rb"\xfd7zXZ\0"), "xz -dc <", _lzma),
    Packing("lzma", re.compile(rb"\x5d\0\0"), "xz --format=lzma -dc <", _lzma),
    Packing("Zstandard", re.compile(rb"\x28\xb5\x2f\xfd"), "zstd -dc <", None),
    Packing("LZ4", re.compile(rb"\x04\x22\x4d\x18"), "lz4 -dc <", None),
    Packing("zlib", re.compile(rb"\x78[\x01\x5e\x9c\xda]"), ZLIB, _zlib),
)


def unpacked(sample: Sample) -> Unpacked | None:
    """Return the unpacked beginning of a compressed file, or None if the file is not compressed."""
    packing = next((packing for packing in PACKINGS if packing.start.match(sample.head)), None)
    if packing is None:
        return None
    data, whole = _attempt(packing, sample.head)
    if not data and packing.name in ("zlib", "lzma"):  # the magic number is too short to be sure
        return None
    return Unpacked(packing, data, whole)


def _attempt(packing: Packing, head: bytes) -> tuple[bytes, bool]:
    if packing.unpack is None:
        return b"", False
    try:
        return packing.unpack(head)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError):
        return b"", False
