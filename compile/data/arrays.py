"""Arrays of constants in C."""

from collections.abc import Iterable

ALIGNED = " __attribute__((aligned(64)))"  # to the widest vector, and to a cache line


def word(value: int) -> str:
    """Return an unsigned number in C."""
    return f"{value:#x}"


def array(kind: str, name: str, items: Iterable[str], attribute: str = "") -> str:
    """Return the definition of an array."""
    return f"const {kind} {name}[]{attribute} = {{\n" + ",\n".join(items) + "\n};"


def byte_array(name: str, data: bytes) -> str:
    """Return the definition of an aligned array of bytes, as words of 64 bits: that is less text to compile."""
    words = (f"{int.from_bytes(data[i : i + 8], 'little'):#x}" for i in range(0, len(data), 8))
    return array("uint64_t", name, words, ALIGNED)
