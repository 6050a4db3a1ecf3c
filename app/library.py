"""A compiled model in this process: the one binding, used by the service and by the parity check."""

import ctypes
import os
import struct
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import NamedTuple

from contract.refusal import Refusal

FLOAT_BYTES = 4  # of a float32, and of an int32
ABI = 2  # LIBRARY_ABI of compile/native/library.h


class Prediction(NamedTuple):
    """`label` is the index of the class, `probabilities` float32 values, one per output."""

    label: int
    probabilities: list[float]


class Batch(NamedTuple):
    """The answers to many rows, in native byte order: float32 (rows, outputs) twice, int32 (rows,)."""

    margins: bytearray
    probabilities: bytearray
    labels: bytearray


class Library:
    """The functions of compile/native/library.h, called with buffers made once.

    The buffers are shared by all calls. That is safe because a call fills them, runs and reads them without an await
    or another Python call in between, on one thread: use one Library per thread.
    """

    def __init__(self, image: bytes) -> None:
        """Map `image`, the bytes of a shared library that the caller has verified. Raises Refusal."""
        self._handle, self._descriptor = _map(image)
        try:
            abi, self.measurements, self.features, self.outputs = self._shape()
        except AttributeError as error:
            self.close()
            raise Refusal(f"not a model library ({error}); make the bundle again: make compile") from error
        if abi != ABI:
            self.close()
            raise Refusal(f"expected a library of ABI {ABI}, found {abi}; make the bundle again: make compile")
        self._measurement = (ctypes.c_float * self.measurements)()
        self._feature = (ctypes.c_float * self.features)()
        self._margin = (ctypes.c_float * self.outputs)()
        self._probability = (ctypes.c_float * self.outputs)()
        self._pack_measurements = struct.Struct(f"={self.measurements}f").pack_into
        self._pack_features = struct.Struct(f"={self.features}f").pack_into
        self._predict_one = self._function("predict_one")
        self._predict_features = self._function("predict_features")
        self.instruction_sets: int = self._function("library_instruction_sets")()
        self._predict_rows = self._batch_function("predict_rows")
        self._predict_feature_rows = self._batch_function("predict_feature_rows")

    def _shape(self) -> list[int]:
        shape = (ctypes.c_int32 * 4)()
        function = self._handle.library_shape
        function.restype = None
        function(shape)
        return list(shape)

    def _function(self, name: str) -> "ctypes._NamedFuncPointer":
        function = self._handle[name]
        function.restype = ctypes.c_int32
        return function

    def _batch_function(self, name: str) -> Callable[..., int]:
        """Called without the GIL, with buffers of its own: other threads go on while it runs."""
        pointer, int32 = ctypes.c_void_p, ctypes.c_int32
        prototype = ctypes.CFUNCTYPE(int32, int32, pointer, ctypes.c_int64, pointer, pointer, pointer)
        address = ctypes.cast(self._handle[name], ctypes.c_void_p).value
        assert address
        return prototype(address)

    def predict(self, measurements: Sequence[float]) -> Prediction:
        """One row of measurements, rounded to float32; each must be in float32's range."""
        self._pack_measurements(self._measurement, 0, *measurements)
        label: int = self._predict_one(self._measurement, self._margin, self._probability)
        return Prediction(label, self._probability[:])

    def predict_features(self, features: Sequence[float]) -> Prediction:
        """One row of features, as the trees see them."""
        self._pack_features(self._feature, 0, *features)
        label: int = self._predict_features(self._feature, self._margin, self._probability)
        return Prediction(label, self._probability[:])

    def predict_rows(self, data: bytes, offset: int, rows: int, instruction_set: int | None = None) -> Batch:
        """`rows` rows of measurements, float32 in native byte order, from `offset` in `data`. Safe on any thread.

        `instruction_set` is below `instruction_sets`; the last, the fastest, is the default. Raises ValueError where
        `data` is too short.
        """
        return self._run_batch(self._predict_rows, self.measurements, data, offset, rows, instruction_set)

    def predict_feature_rows(self, data: bytes, offset: int, rows: int, instruction_set: int | None = None) -> Batch:
        """The same from rows of features."""
        return self._run_batch(self._predict_feature_rows, self.features, data, offset, rows, instruction_set)

    def _run_batch(
        self, function: Callable[..., int], columns: int, data: bytes, offset: int, rows: int, chosen: int | None
    ) -> Batch:
        if not 0 <= offset <= offset + rows * columns * FLOAT_BYTES <= len(data):
            raise ValueError(f"{rows} rows of {columns} float32 from byte {offset} are not in {len(data)} bytes")
        best = self.instruction_sets - 1
        if chosen is not None and not 0 <= chosen <= best:
            raise ValueError(f"instruction set {chosen} is not one of 0 to {best}")
        output_bytes = rows * self.outputs * FLOAT_BYTES
        batch = Batch(bytearray(output_bytes), bytearray(output_bytes), bytearray(rows * FLOAT_BYTES))
        start = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
        outputs = [(ctypes.c_char * len(buffer)).from_buffer(buffer) for buffer in batch]
        if function(best if chosen is None else chosen, start + offset, rows, *outputs) != 0:
            raise MemoryError(f"no memory to predict {rows} rows")
        return batch

    @property
    def margins(self) -> list[float]:
        """The sums of the last call, before the transformation to probabilities."""
        return self._margin[:]

    def close(self) -> None:
        """Give up the file behind the mapping; the mapping itself lives as long as the process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _map(image: bytes) -> tuple[ctypes.PyDLL, int | None]:
    """Load exactly these bytes: what was verified is what runs, whatever happens to the file they came from.

    PyDLL keeps the GIL: releasing it costs more than a prediction takes.
    """
    try:
        if sys.platform == "linux":
            descriptor = _sealed_memory(image)
            return ctypes.PyDLL(f"/proc/self/fd/{descriptor}", os.RTLD_NOW | os.RTLD_LOCAL), descriptor
        with tempfile.TemporaryDirectory(prefix="model-") as directory:
            path = os.path.join(directory, "libmodel.dylib")
            with open(path, "xb") as file:
                file.write(image)
            return ctypes.PyDLL(path, os.RTLD_NOW | os.RTLD_LOCAL), None
    except OSError as error:
        raise Refusal(
            f"cannot load the model library: {error}; make the bundle on this machine: make compile"
        ) from error


def _sealed_memory(image: bytes) -> int:
    """A file in memory that nobody can write, shrink or grow any more. Returns its descriptor, to be kept open."""
    import fcntl

    descriptor = os.memfd_create("libmodel", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(image)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor
