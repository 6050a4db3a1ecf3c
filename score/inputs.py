"""The body of a request as a row of inputs: the decoder of one contract. Made once, when the contract is loaded."""

from collections.abc import Callable
from enum import Enum
from functools import partial
from math import nan
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from contract.schema import Contract, Input

Row = tuple[Any, ...]  # the decoded inputs, in the contract's order; None is missing
VALUE_BYTES = 32  # of a number as text; a double has at most 24 characters
LEAST_BODY_BYTES = 65_536
MAX_SEARCHED = 64  # fields that may come in any order at little cost
PROBES = 16  # names whose places in a body say whether its fields are in order
ABSENT = b""
UNSEEN = "unseen category"  # the name of the member of an enumeration that stands for all others
FAULTY = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what decoding a client's body may raise
_astuple = msgspec.structs.astuple
# Every field as the undecoded bytes of its value. If a field is repeated, the last value wins.
decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def squashed(name: str) -> str:
    """Return a name without what people often write differently: case, blanks and punctuation."""
    return "".join(filter(str.isalnum, name.lower()))


class Category(Enum):
    """A category of an input. The library converts it to a number by `__float__`, as it converts any number."""

    number: float  # its index in the input's list; NaN for one that is taken as missing

    def __float__(self) -> float:
        """Return the index of the category in its input's list."""
        return self.number


class _CategoryOrMissing(Category):
    """A category of an input where unknown ones are taken as missing."""

    @classmethod
    def _missing_(cls, value: object) -> Any:  # noqa: ARG003  # the signature is Enum's
        """Return the member for values that are no category."""
        return cls[UNSEEN]


class Inputs:
    """Decodes bodies for one contract. `decode` returns a struct, `astuple` makes a Row of it.

    If a field is repeated, the last value wins. Unknown fields are ignored, unless an input may be missing: there a
    misspelt name would be answered as if the input were missing, so unknown names are refused.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.kinds = [_kind(each) for each in contract.inputs]
        fields = [_field(number, *each) for number, each in enumerate(zip(contract.inputs, self.kinds, strict=True))]
        self.strict = any(each.missing for each in contract.inputs)
        self._fields = fields
        self.decode: Callable[[bytes | bytearray], Any] = msgspec.json.Decoder(self.struct()).decode
        self.wide = len(fields) > MAX_SEARCHED
        if self.wide:
            in_order = msgspec.json.Decoder(self.struct(array=True)).decode
            self.decode = partial(self._decode_wide, self.decode, in_order)
        step = max(1, len(fields) // PROBES)
        self._probes = [b'"%b"' % name.encode() for name in contract.input_names[::step]]
        # Rows of plain numbers need no conversion before arithmetic.
        self.plain = all(each.kind in ("number", "integer") and not each.missing for each in contract.inputs)

    def struct(self, *, array: bool = False, lenient: bool = False) -> Any:
        """Return the type of a row: an object in JSON, or an array. If `lenient`, it ignores unknown fields."""
        return msgspec.defstruct(
            "Measurements",
            self._fields,
            frozen=True,
            gc=False,
            kw_only=True,
            rename=_names(self.contract),
            array_like=array,
            forbid_unknown_fields=self.strict and not lenient,
        )

    def _decode_wide(
        self, decode: Callable[[Any], Any], decode_array: Callable[[Any], Any], body: bytes | bytearray
    ) -> Any:
        """Decode a body of many inputs. If they seem to be out of order, decode their values as one array in order.

        msgspec searches a struct's fields one by one unless they come in order. With thousands of inputs in another
        order that would take many milliseconds.
        """
        places = [body.find(probe) for probe in self._probes]
        if -1 not in places and places == sorted(places):
            return decode(body)
        fields = decode_fields(body)
        values = [bytes(fields.get(name, ABSENT)) for name in self.contract.input_names]
        if self.strict and len(fields) > len(values) - values.count(ABSENT):
            raise msgspec.ValidationError("Object contains unknown fields")
        return decode_array(b"[%b]" % b",".join([value or b"null" for value in values]))

    def numbers(self, row: Row) -> tuple[float, ...]:
        """Return a row as the numbers that the model gets. NaN is missing."""
        if self.plain:
            return row
        return tuple([float("nan") if value is None else float(value) for value in row])

    def row(self, body: bytes | bytearray) -> Row:
        """Return the row in a body. Raises one of FAULTY."""
        return _astuple(self.decode(body))

    @property
    def body_bytes(self) -> int:
        """The largest body that a client of this contract needs: twice what its inputs take as JSON."""
        names = sum(len(msgspec.json.encode(each.name)) for each in self.contract.inputs)
        values = sum(
            VALUE_BYTES + max((len(str(category)) for category in each.categories), default=0)
            for each in self.contract.inputs
        )
        return max(LEAST_BODY_BYTES, 2 * (names + values))


def field_name(number: int) -> str:
    """Return the name of a struct's field for an input, whose own name may be any text."""
    return f"input_{number}"


def _names(contract: Contract) -> dict[str, str]:
    return {field_name(number): each.name for number, each in enumerate(contract.inputs)}


def _kind(each: Input) -> Any:
    """Return the type of an input's values, without its bounds."""
    if each.kind == "boolean":
        return bool
    if each.kind == "category":
        return _categories(each)
    return float


def _categories(each: Input) -> Any:
    """Return an enumeration of the categories. If others are taken as missing, it has a member for them, too."""
    members: dict[str, str | int] = {f"category_{number}": name for number, name in enumerate(each.categories)}
    base: Any = Category
    if each.unseen == "missing":
        members[UNSEEN] = UNSEEN if isinstance(each.categories[0], str) else min(map(int, each.categories)) - 1
        base = _CategoryOrMissing
    kind: Any = base("Category", members)
    for number, category in enumerate(kind):
        category.number = nan if category.name == UNSEEN else float(number)
    return kind


def _field(number: int, each: Input, kind: Any) -> tuple[str, Any] | tuple[str, Any, None]:
    """Return the field of an input as msgspec.defstruct takes it."""
    if kind is float:
        step = 1.0 if each.kind == "integer" else None
        kind = Annotated[float, Meta(ge=each.minimum, le=each.maximum, multiple_of=step)]
    return (field_name(number), kind | None, None) if each.missing else (field_name(number), kind)
