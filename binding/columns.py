"""Many rows as columns: one buffer of float64 for each input, as Arrow lays them out, and what the values may be."""

import ctypes
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import inf
from typing import NamedTuple

Buffer = bytes | bytearray | memoryview | array  # type: ignore[type-arg]  # bytes in memory, contiguous
DOUBLE_BYTES = 8


class Column(NamedTuple):
    """The values of one input: row i is float64 number `offset + i` of `values`, in native byte order.

    It is there if bit `(offset + i) % 8` of byte `(offset + i) // 8` of `validity` is 1; None means that all are there.
    """

    values: Buffer
    validity: Buffer | None = None
    offset: int = 0


class Limit(NamedTuple):
    """What the values of an input may be: from `low` to `high`, `whole` or not; others make a row faulty.

    `missing` is whether a value may be missing. If `unseen`, NaN is a category that is taken as missing.
    """

    low: float = -inf
    high: float = inf
    whole: bool = False
    missing: bool = True
    unseen: bool = True

    @property
    def flags(self) -> int:
        """INPUT_WHOLE, INPUT_MISSING and INPUT_UNSEEN of compile/native/library.h."""
        return self.whole | self.missing << 1 | self.unseen << 2


class _InputColumn(ctypes.Structure):
    """`struct input_column` of compile/native/library.h."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("offset", ctypes.c_int64),
        ("low", ctypes.c_double),
        ("high", ctypes.c_double),
        ("flags", ctypes.c_int32),
    )


class _View(ctypes.Structure):
    """`Py_buffer`, as it is part of Python's stable ABI."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        *((name, ctypes.c_void_p) for name in ("format", "shape", "strides", "suboffsets", "internal")),
    )


_get_buffer = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(_View), ctypes.c_int)(
    ("PyObject_GetBuffer", ctypes.pythonapi)
)
_release = ctypes.PYFUNCTYPE(None, ctypes.POINTER(_View))(("PyBuffer_Release", ctypes.pythonapi))


@contextmanager
def in_memory(columns: Sequence[Column], limits: Sequence[Limit], rows: int) -> Iterator["ctypes.Array[_InputColumn]"]:
    """Give the columns as the library reads them. Their buffers stay where they are within the `with` block.

    Raises ValueError if a buffer has fewer than `rows` rows, BufferError if it is not contiguous.
    """
    with ExitStack() as held:
        described = (_InputColumn * len(columns))()
        for column, limit, own in zip(columns, limits, described, strict=True):
            end = column.offset + rows
            if min(column.offset, rows) < 0:
                raise ValueError(f"expected rows from 0 on, found {rows} from {column.offset} on")
            own.value = _address(column.values, end * DOUBLE_BYTES, held)
            own.valid = None if column.validity is None else _address(column.validity, (end + 7) // 8, held)
            own.offset, own.low, own.high, own.flags = column.offset, limit.low, limit.high, limit.flags
        yield described


def _address(buffer: Buffer, size: int, held: ExitStack) -> int | None:
    """Return the address of a buffer of at least `size` bytes, which `held` keeps. None for one without bytes."""
    view = _View()
    _get_buffer(buffer, ctypes.byref(view), 0)
    held.callback(_release, ctypes.byref(view))
    if view.len < size:
        raise ValueError(f"expected a column of at least {size} bytes, found {view.len}")
    address: int | None = view.buf
    return address
