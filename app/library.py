"""A compiled model in this process: the one binding, used by the service and by the parity check."""

import ctypes
import struct
from collections.abc import Callable
from typing import NamedTuple

from app.mapping import Mapping
from contract.refusal import Refusal

FLOAT_BYTES = 4  # of a float32, and of an int32
ABI = 5  # LIBRARY_ABI of compile/native/library.h


# What compile/native/python.c calls, in its order.
PYTHON_FUNCTIONS = (
    *("PyFloat_AsDouble", "PyErr_Occurred", "PyTuple_GetItem", "PyTuple_Size", "PyTuple_New", "PyTuple_SetItem"),
    *("PyDict_New", "PyDict_SetItem", "PyFloat_FromDouble", "PyLong_FromLong", "PyBool_FromLong"),
    *("Py_DecRef", "PyCFunction_NewEx"),
)
INT32, POINTER = ctypes.c_int32, ctypes.c_void_p
Type = type[ctypes.c_int32] | type[ctypes.c_void_p]
# The index of the class, and a float32 value by the name of each output.
Shares = tuple[int, dict[str, float]]
# The same; then, where the library has a reference to judge by, the prediction set (bit i for class i), whether the row
# is in distribution, and its distance; else 0, False and NaN.
Prediction = tuple[int, dict[str, float], int, bool, float]


class Batch(NamedTuple):
    """The answers to many rows, in native byte order: float32 (rows, outputs) twice, int32 (rows,)."""

    margins: bytearray
    probabilities: bytearray
    labels: bytearray


class Judgement(NamedTuple):
    """How far to trust many answers, in native byte order: float32, then int32 twice, one of each a row."""

    distances: bytearray
    in_distribution: bytearray
    prediction_sets: bytearray


class Library:
    """The functions of compile/native/library.h, called with buffers made once.

    The buffers are shared by all calls. That is safe because a call fills them, runs and reads them without an await
    or another Python call in between, on one thread: use one Library per thread.

    The code is unmapped with the last of the Library and its `predict`, which may be kept without it.
    """

    def __init__(self, image: bytes, names: tuple[str, ...] = ()) -> None:
        """Map `image`, the bytes of a shared library that the caller has verified. Raises Refusal.

        `names` are those of the outputs; 0, 1, ... where there are none or not as many.
        """
        self._mapping = Mapping(image)
        abi, self.measurements, self.features, self.outputs, reference = self._shape()
        if abi != ABI:
            raise Refusal(f"expected a library of ABI {ABI}, found {abi}; make the bundle again: make compile")
        self.has_reference = reference == 1
        self._feature = (ctypes.c_float * self.features)()
        self._margin = (ctypes.c_float * self.outputs)()
        self._probability = (ctypes.c_float * self.outputs)()
        self._pack_features = struct.Struct(f"={self.features}f").pack_into
        self._names = names if len(names) == self.outputs else tuple(map(str, range(self.outputs)))
        self._mapping.kept = (self._margin, self._names)
        self.predict = self._python_function()
        self._predict_features = self._function("predict_features", INT32, POINTER, POINTER, POINTER)
        self.instruction_sets: int = self._function("library_instruction_sets", INT32)()
        self._predict_rows = self._batch_function("predict_rows")
        self._predict_feature_rows = self._batch_function("predict_feature_rows")
        data = ctypes.c_char_p
        judge = ctypes.CFUNCTYPE(None, data, data, ctypes.c_int64, POINTER, POINTER, POINTER)
        self._judge_rows = judge(self._mapping.address("judge_rows"))

    def _shape(self) -> list[int]:
        shape = (ctypes.c_int32 * 5)()
        self._function("library_shape", None, POINTER)(shape)
        return list(shape)

    def _function(self, name: str, result: Type | None, *arguments: Type) -> Callable[..., int]:
        """Called with the GIL: giving it up costs more than a prediction takes."""
        function: Callable[..., int] = ctypes.PYFUNCTYPE(result, *arguments)(self._mapping.address(name))
        return function

    def _batch_function(self, name: str) -> Callable[..., int]:
        """Called without the GIL, with buffers of its own: other threads go on while it runs."""
        prototype = ctypes.CFUNCTYPE(INT32, INT32, POINTER, ctypes.c_int64, POINTER, POINTER, POINTER)
        return prototype(self._mapping.address(name))

    def _python_function(self) -> Callable[[tuple[float, ...]], Prediction]:
        """One row of measurements, rounded to float32, to its prediction: a function of the library's own.

        It holds the mapping as its `__self__`.
        """
        addresses = [ctypes.cast(ctypes.pythonapi[name], POINTER).value for name in PYTHON_FUNCTIONS]
        objects = [ctypes.py_object] * 2
        make = ctypes.PYFUNCTYPE(ctypes.py_object, POINTER, POINTER, *objects)(self._mapping.address("python_predict"))
        functions = (POINTER * len(addresses))(*addresses)
        predict: Callable[[tuple[float, ...]], Prediction] = make(functions, self._margin, self._names, self._mapping)
        return predict

    def predict_features(self, features: tuple[float, ...]) -> Shares:
        """One row of features, as the trees see them."""
        self._pack_features(self._feature, 0, *features)
        label: int = self._predict_features(self._feature, self._margin, self._probability)
        return label, dict(zip(self._names, self._probability, strict=True))

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
        start = ctypes.cast(ctypes.c_char_p(data), POINTER).value or 0
        outputs = [(ctypes.c_char * len(buffer)).from_buffer(buffer) for buffer in batch]
        if function(best if chosen is None else chosen, start + offset, rows, *outputs) != 0:
            raise MemoryError(f"no memory to predict {rows} rows")
        return batch

    def judge_rows(self, measurements: bytes, probabilities: bytes | bytearray, rows: int) -> Judgement:
        """The last three of a Prediction for each of `rows` rows of measurements and their probabilities."""
        for data, columns in ((measurements, self.measurements), (probabilities, self.outputs)):
            if len(data) != rows * columns * FLOAT_BYTES:
                raise ValueError(f"{rows} rows of {columns} float32 are not {len(data)} bytes")
        judgement = Judgement(*(bytearray(rows * FLOAT_BYTES) for _ in Judgement._fields))
        outputs = [(ctypes.c_char * len(buffer)).from_buffer(buffer) for buffer in judgement]
        self._judge_rows(measurements, bytes(probabilities), rows, *outputs)
        return judgement

    @property
    def margins(self) -> list[float]:
        """The sums of the last call, before the transformation to probabilities."""
        return self._margin[:]
