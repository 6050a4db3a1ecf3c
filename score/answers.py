"""The columns that are added to a table: what POST /predict answers, one flat column for each part."""

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from binding.library import Scored
from contract.schema import Contract
from score.judged import Judged, PValues

REASON = "reason"  # the column of words for rows that were not judged
PREFIX = "predicted_"  # of an answer's column, if the table has a column of its name already
BETWEEN = "|"  # the names of a prediction set
Kind = Literal["integer", "number", "double", "boolean", "text"]
Packed = Any  # an array of float32, or a bytearray


class AnswerColumn(NamedTuple):
    """One column of answers. `read` returns its values for all rows. NaN is a number that there is not.

    `packed` returns them without an object for each, in native byte order: float32 for numbers, to which `add` is still
    to be added in float64, float64 for doubles, and int32 for integers and booleans. For a text it returns an int32
    index into `names`, or uint8 of shape (rows, classes), which `text` makes a text of.
    """

    name: str
    kind: Kind
    read: Callable[[Scored], Sequence[Any]]
    packed: Callable[[Scored], Packed]
    add: float = 0.0
    names: Sequence[str] = ()
    text: Callable[[bytes], str] | None = None


def answer_columns(
    contract: Contract, judged: Judged, values: int, p_values: PValues | None = None
) -> list[AnswerColumn]:
    """Return the columns of answers of a model whose library gives so many values a row, with p-values if given."""
    return [*_answer(contract, judged, values), *_trust(contract, judged, values), *_likeness(contract, p_values)]


def _answer(contract: Contract, judged: Judged, values: int) -> Iterator[AnswerColumn]:
    """Yield what is answered."""
    output = contract.output
    if output.classed:
        yield AnswerColumn("prediction", "integer", _labels, _packed_labels)
        yield AnswerColumn(
            *(output.label, "text", lambda scored: [*map(output.classes.__getitem__, _labels(scored))]),
            *(_packed_labels, 0.0, output.classes),
        )
    named = {"label": (), "number": ("prediction",)}.get(output.kind, output.values)
    lead = {"classes": "probability_", "numbers": "prediction_"}.get(output.kind, "")
    for place, name in enumerate(named):
        yield _number(f"{lead}{name}", place, values)
    several = output.kind == "numbers"
    for name, width in judged.half_widths.items():
        place, end = output.values.index(name), f"_{name}" if several else ""
        yield _number(f"interval_low{end}", place, values, -width)
        yield _number(f"interval_high{end}", place, values, width)


def _trust(contract: Contract, judged: Judged, values: int) -> Iterator[AnswerColumn]:
    """Yield how far to trust it."""
    if judged.sets:
        sets = _Sets(contract.output.classes, values)
        yield AnswerColumn("prediction_set", "text", sets.read, lambda scored: scored.judgement.sets, text=sets.name)
    if judged.distance:
        yield AnswerColumn("in_distribution", "boolean", _inside, lambda scored: scored.judgement.in_distribution)
        yield AnswerColumn("distance", "number", lambda scored: _distances(scored).tolist(), _distances)


def _likeness(contract: Contract, p_values: PValues | None) -> Iterator[AnswerColumn]:
    """Yield how unusual a row would be for each class."""
    if p_values:
        for place, name in enumerate(contract.output.classes):
            yield _p_value(f"p_value_{name}", place, p_values)


def names_beside(own: Sequence[str], taken: Collection[str]) -> list[str]:
    """Return the names of the answers' columns beside the columns of a table, which are `taken`."""
    names: list[str] = []
    for name in own:
        while name in taken or name in names:
            name = PREFIX + name  # until it is free
        names.append(name)
    return names


def _labels(scored: Scored) -> list[int]:
    return memoryview(scored.batch.labels).cast("i").tolist()


def _packed_labels(scored: Scored) -> bytearray:
    return scored.batch.labels


def _number(name: str, place: int, values: int, add: float = 0.0) -> AnswerColumn:
    """Return the column of one of the values of each row, to which a number is added in float64."""

    def packed(scored: Scored) -> "array[float]":
        return array("f", scored.batch.values)[place::values]

    def read(scored: Scored) -> list[float]:
        numbers = packed(scored).tolist()
        return [number + add for number in numbers] if add else numbers

    return AnswerColumn(name, "number", read, packed, add)


def _p_value(name: str, place: int, p_values: PValues) -> AnswerColumn:
    """Return the column of the p-value of one class."""

    def packed(scored: Scored) -> "array[float]":
        return p_values.column(scored.batch.values, place)

    return AnswerColumn(name, "double", lambda scored: packed(scored).tolist(), packed)


def _distances(scored: Scored) -> "array[float]":
    return array("f", scored.judgement.distances)


def _inside(scored: Scored) -> list[bool]:
    return [*map(bool, memoryview(scored.judgement.in_distribution).cast("i").tolist())]


class _Sets(dict[bytes, str]):
    """The names in each prediction set by its flags, one byte a class. There are few different sets."""

    def __init__(self, classes: tuple[str, ...], values: int) -> None:
        super().__init__()
        self._classes = classes
        self._values = values

    def __missing__(self, flags: bytes) -> str:
        names = BETWEEN.join(name for name, flag in zip(self._classes, flags, strict=True) if flag)
        if len(self) < 1024:  # a model of many classes may have more sets than memory
            self[flags] = names
        return names

    def name(self, flags: bytes) -> str:
        """Return the names of one set."""
        return self[flags]

    def read(self, scored: Scored) -> list[str]:
        """Return the names of the set of each row."""
        sets, width = bytes(scored.judgement.sets), self._values
        return [self[sets[start : start + width]] for start in range(0, len(sets), width)]
