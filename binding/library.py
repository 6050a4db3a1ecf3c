"""The functions of a compiled model. The service and the parity check both use this binding."""

import ctypes
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from binding import abi_5
from binding.columns import Column, Limit, in_memory
from binding.mapping import Mapping
from contract.refusal import COMPILE, Refusal

FLOAT_BYTES = 4  # the size of a float32, and of an int32
ABI = 6  # LIBRARY_ABI of compile/native/library.h

# The functions that compile/native/python.c calls, in the order in which it lists them.
PYTHON_FUNCTIONS = (
    *("PyFloat_AsDouble", "PyErr_Occurred", "PyTuple_GetItem", "PyTuple_Size", "PyTuple_New", "PyTuple_SetItem"),
    *("PyDict_New", "PyDict_SetItem", "PyFloat_FromDouble", "PyLong_FromLong", "PyBool_FromLong"),
    *("Py_DecRef", "PyCFunction_NewEx", "PyList_New", "PyList_SetItem", "Py_IncRef"),  # ABI 5 ends with the second
    *("PyLong_AsLongLong", "PyBytes_AsStringAndSize", "PyByteArray_FromStringAndSize", "PyByteArray_AsString"),
    *("PyEval_SaveThread", "PyEval_RestoreThread", "PyErr_NoMemory"),
)
INT32, POINTER = ctypes.c_int32, ctypes.c_void_p
Type = type[ctypes.c_int32] | type[ctypes.c_void_p]
# The index of the class, or 0 if there are no classes, and the float32 values by name.
FeaturePrediction = tuple[int, dict[str, float]]
# A row of inputs. None is missing, as NaN is.
Row = tuple[float | None, ...]
# The label and the values; then the names of the classes in the prediction set, as a new list, whether the row is in
# distribution, and its distance. A library without sets gives an empty list, and one without distances False and NaN.
RowPrediction = tuple[int, dict[str, float], list[str], bool, float]


class Batch(NamedTuple):
    """The answers to many rows, in native byte order.

    Margins are float32 of shape (rows, outputs), values are float32 of shape (rows, values), labels are int32 of shape
    (rows,).
    """

    margins: bytearray
    values: bytearray
    labels: bytearray


class Judgement(NamedTuple):
    """How far to trust many answers, in native byte order.

    Distances are float32, and whether a row is in distribution is int32, both of shape (rows,). Prediction sets are
    uint8 of shape (rows, values): 1 for each class in the set.
    """

    distances: bytearray
    in_distribution: bytearray
    sets: bytearray


class Scored(NamedTuple):
    """The answers to many rows that came as columns. `faulty` are uint8: 1 for each row whose answer means nothing."""

    batch: Batch
    judgement: Judgement
    faulty: bytearray


class Library:
    """The functions of compile/native/library.h, or of its ABI 5. `inputs` ... `values` are numbers of columns.

    The outputs are the margins. The values are what they become: probabilities or numbers.

    `predict`, the batch functions, `predict_columns` and `judge_rows` are safe on any thread, because each call has its
    own output memory.
    `predict_features` and `margins` share buffers. Only the thread that also calls `predict` may use them.

    The code is unmapped when both the Library and its `predict` are gone. `predict` may outlive the Library.
    """

    def __init__(self, image: bytes, names: tuple[str, ...] = ()) -> None:
        """Map `image`, the bytes of a shared library that the caller has verified. Raises Refusal.

        `names` are the names of the values. If there are not as many names as values, the names are 0, 1, ...
        """
        self._mapping = Mapping(image)
        self.abi, self.inputs, self.features, self.outputs, self.values, has_uncertainty = self._shape()
        self.has_uncertainty = has_uncertainty == 1
        self._feature = (ctypes.c_float * self.features)()
        self._margin = (ctypes.c_float * self.outputs)()
        self._value = (ctypes.c_float * self.values)()
        self._pack_features = struct.Struct(f"={self.features}f").pack_into
        self._names = names if len(names) == self.values else tuple(map(str, range(self.values)))
        self._mapping.kept = (self._margin, self._names)
        self.predict = self._python_function()
        self._predict_features = self._function("predict_features", INT32, POINTER, POINTER, POINTER)
        self.instruction_sets: int = self._function("library_instruction_sets", INT32)()
        self.use(self.instruction_sets)
        self._predict_batch = self._batch_function()
        data = ctypes.c_char_p
        judge = ctypes.CFUNCTYPE(None, data, data, ctypes.c_int64, POINTER, POINTER, POINTER)
        self._judge_rows = judge(self._mapping.address("judge_rows"))
        if self.abi == ABI:
            columns = ctypes.CFUNCTYPE(INT32, INT32, POINTER, ctypes.c_int64, *[POINTER] * 7)
            self._predict_columns = columns(self._mapping.address("predict_columns"))

    def _shape(self) -> list[int]:
        shape = (ctypes.c_int32 * 6)()
        self._function("library_shape", None, POINTER)(shape)
        abi, inputs, features, outputs, *rest = shape
        if abi not in (abi_5.ABI, ABI):
            raise Refusal(
                f"expected a library of ABI {ABI} or {abi_5.ABI}, found {abi}; "
                f"compile its model with this version: {COMPILE}"
            )
        return [abi, inputs, features, outputs, *(rest if abi == ABI else (outputs, rest[0]))]

    def _function(self, name: str, result: Type | None, *arguments: Type) -> Callable[..., int]:
        """Return a function that is called with the GIL. Releasing the GIL takes longer than a prediction."""
        function: Callable[..., int] = ctypes.PYFUNCTYPE(result, *arguments)(self._mapping.address(name))
        return function

    def _batch_function(self) -> Callable[[bytes, int, int, int, int], tuple[bytearray, bytearray, bytearray]]:
        """Return the function of many rows. It takes data, offset, rows, instruction set, and 1 if rows are features.

        While it works for long, other threads run.
        """
        if self.abi == abi_5.ABI:
            names = "predict_rows", "predict_feature_rows"
            return abi_5.batch_function([self._mapping.address(name) for name in names], self.outputs)
        make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(self._mapping.address("python_predict_batch"))
        function: Any = make(self._mapping)
        return cast("Callable[[bytes, int, int, int, int], tuple[bytearray, bytearray, bytearray]]", function)

    def _python_function(self) -> Callable[[Row], RowPrediction]:
        """Return the library's own function from one row of inputs to its prediction.

        The inputs are rounded to float32. The function holds the mapping as its `__self__`.
        """
        addresses = [ctypes.cast(ctypes.pythonapi[name], POINTER).value for name in PYTHON_FUNCTIONS]
        addresses.append(id(None))  # in CPython, the address of the object
        objects = [ctypes.py_object] * 2
        make = ctypes.PYFUNCTYPE(ctypes.py_object, POINTER, POINTER, *objects)(self._mapping.address("python_predict"))
        functions = (POINTER * len(addresses))(*addresses)
        predict: Callable[[Row], Any] = make(functions, self._margin, self._names, self._mapping)
        return abi_5.with_names(predict, self._names) if self.abi == abi_5.ABI else predict

    def use(self, instruction_sets: int) -> None:
        """Use no more than the first `instruction_sets` of those that both the library and this processor have."""
        self.instruction_sets = min(self.instruction_sets, instruction_sets)
        self.use_for_one_row(self.instruction_sets - 1)

    def use_for_one_row(self, instruction_set: int) -> None:
        """Evaluate one row with this instruction set, below `instruction_sets`, until another one is chosen."""
        if self.abi == ABI:
            self._function("library_use", None, INT32)(instruction_set)

    def predict_features(self, features: tuple[float, ...]) -> FeaturePrediction:
        """Predict one row of features, the columns that the trees split on."""
        self._pack_features(self._feature, 0, *features)
        label: int = self._predict_features(self._feature, self._margin, self._value)
        return label, dict(zip(self._names, self._value, strict=True))

    def predict_rows(self, data: bytes, offset: int, rows: int, instruction_set: int | None = None) -> Batch:
        """Predict `rows` rows of inputs. Safe on any thread.

        `data` holds float32 of shape (rows, inputs) in native byte order from byte `offset` on. `instruction_set`
        is below `instruction_sets`. The default is the last one, which is the fastest. Raises ValueError if `data` is
        too short or there is no such instruction set, and MemoryError.
        """
        return self._run_batch(data, offset, rows, instruction_set, self.inputs, 0)

    def predict_feature_rows(self, data: bytes, offset: int, rows: int, instruction_set: int | None = None) -> Batch:
        """Predict rows of features. `data` holds float32 of shape (rows, features). See `predict_rows`."""
        return self._run_batch(data, offset, rows, instruction_set, self.features, 1)

    def _run_batch(
        self, data: bytes, offset: int, rows: int, chosen: int | None, columns: int, of_features: int
    ) -> Batch:
        if not 0 <= offset <= offset + rows * columns * FLOAT_BYTES <= len(data):
            raise ValueError(f"{rows} rows of {columns} float32 from byte {offset} are not in {len(data)} bytes")
        return Batch._make(self._predict_batch(data, offset, rows, self._instruction_set(chosen), of_features))

    def _instruction_set(self, chosen: int | None) -> int:
        best = self.instruction_sets - 1
        if chosen is not None and not 0 <= chosen <= best:
            raise ValueError(f"instruction set {chosen} is not one of 0 to {best}")
        return best if chosen is None else chosen

    def _batch(self, rows: int) -> Batch:
        return Batch(*(bytearray(rows * columns * FLOAT_BYTES) for columns in (self.outputs, self.values, 1)))

    def predict_columns(
        self, columns: Sequence[Column], limits: Sequence[Limit], rows: int, instruction_set: int | None = None
    ) -> Scored:
        """Predict and judge `rows` rows of inputs that come as columns: one, and one limit, for each input, in order.

        The values are rounded to float32 as `predict` rounds them. Safe on any thread, and without the GIL. Raises
        ValueError if there is another number of columns or a column is too short, and MemoryError.
        """
        if not len(columns) == len(limits) == self.inputs:
            raise ValueError(f"expected {self.inputs} columns and limits, found {len(columns)} and {len(limits)}")
        if self.abi == abi_5.ABI:
            data, faulty = abi_5.interleaved(columns, limits, rows)
            batch = self.predict_rows(data, 0, rows, instruction_set)
            return Scored(batch, self.judge_rows(data, batch.values, rows), faulty)
        chosen = self._instruction_set(instruction_set)
        with in_memory(columns, limits, rows) as described:
            sizes = FLOAT_BYTES, FLOAT_BYTES, self.values
            scored = Scored(self._batch(rows), Judgement(*(bytearray(rows * size) for size in sizes)), bytearray(rows))
            outputs = _outputs((*scored.batch, *scored.judgement, scored.faulty))
            if self._predict_columns(chosen, described, rows, *outputs) != 0:
                raise MemoryError(f"no memory to predict {rows} rows")
        return scored

    def judge_rows(self, inputs: bytes, values: bytes | bytearray, rows: int) -> Judgement:
        """Judge the answers to `rows` rows, from float32 inputs and the values of the answers.

        Raises ValueError if the sizes do not fit. What a library cannot judge by is distance NaN, out of distribution,
        or the empty set.
        """
        for data, columns in ((inputs, self.inputs), (values, self.values)):
            if len(data) != rows * columns * FLOAT_BYTES:
                raise ValueError(f"{rows} rows of {columns} float32 are not {len(data)} bytes")
        sets_bytes = rows * (FLOAT_BYTES if self.abi == abi_5.ABI else self.values)
        judgement = Judgement(bytearray(rows * FLOAT_BYTES), bytearray(rows * FLOAT_BYTES), bytearray(sets_bytes))
        self._judge_rows(inputs, bytes(values), rows, *_outputs(judgement))
        if self.abi == abi_5.ABI:
            return judgement._replace(sets=abi_5.sets_of_bits(judgement.sets, self.values))
        return judgement

    @property
    def margins(self) -> list[float]:
        """Return the margins of the last call for one row: the sums before they become values."""
        return self._margin[:]


def _outputs(buffers: Sequence[bytearray]) -> "list[ctypes.Array[ctypes.c_char]]":
    """Return buffers as arguments for the library's functions, which write there."""
    return [(ctypes.c_char * len(buffer)).from_buffer(buffer) for buffer in buffers]
