"""The columns that are added to a table: what POST /predict answers, one flat column for each part."""

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from binding.library import Scored
from contract.schema import Contract
from score.judged import Judged

REASON = "reason"  # the column of words for rows that were not judged
PREFIX = "predicted_"  # of an answer's column, if the table has a column of its name already
BETWEEN = "|"  # the names of a prediction set
Kind = Literal["integer", "number", "boolean", "text"]


class AnswerColumn(NamedTuple):
    """One column of answers. `read` returns its values for all rows. NaN is a number that there is not."""

    name: str
    kind: Kind
    read: Callable[[Scored], Sequence[Any]]


def answer_columns(contract: Contract, judged: Judged, values: int) -> list[AnswerColumn]:
    """Return the columns of answers of a model whose library gives so many values a row."""
    return [*_answer(contract, judged, values), *_trust(contract, judged, values)]


def _answer(contract: Contract, judged: Judged, values: int) -> Iterator[AnswerColumn]:
    """Yield what is answered."""
    output = contract.output
    if output.classed:
        yield AnswerColumn("prediction", "integer", _labels)
        yield AnswerColumn(output.label, "text", lambda scored: [*map(output.classes.__getitem__, _labels(scored))])
    named = {"label": (), "number": ("prediction",)}.get(output.kind, output.values)
    lead = {"classes": "probability_", "numbers": "prediction_"}.get(output.kind, "")
    for place, name in enumerate(named):
        yield AnswerColumn(f"{lead}{name}", "number", _value(place, values))
    several = output.kind == "numbers"
    for name, width in judged.half_widths.items():
        place, end = output.values.index(name), f"_{name}" if several else ""
        yield AnswerColumn(f"interval_low{end}", "number", _value(place, values, -width))
        yield AnswerColumn(f"interval_high{end}", "number", _value(place, values, width))


def _trust(contract: Contract, judged: Judged, values: int) -> Iterator[AnswerColumn]:
    """Yield how far to trust it."""
    if judged.sets:
        yield AnswerColumn("prediction_set", "text", _Sets(contract.output.classes, values).read)
    if judged.distance:
        yield AnswerColumn("in_distribution", "boolean", _inside)
        yield AnswerColumn("distance", "number", _distances)


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


def _value(place: int, values: int, add: float = 0.0) -> Callable[[Scored], list[float]]:
    """Return what reads one of the values of each row, and adds a number to it."""

    def read(scored: Scored) -> list[float]:
        numbers: list[float] = array("f", bytes(scored.batch.values))[place::values].tolist()
        return [number + add for number in numbers] if add else numbers

    return read


def _distances(scored: Scored) -> list[float]:
    distances: list[float] = array("f", bytes(scored.judgement.distances)).tolist()
    return distances


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

    def read(self, scored: Scored) -> list[str]:
        sets, width = bytes(scored.judgement.sets), self._values
        return [self[sets[start : start + width]] for start in range(0, len(sets), width)]
