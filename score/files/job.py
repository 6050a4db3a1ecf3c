"""What is to be done: the options of a job, its inputs and its parts. The same on every run and every task."""

from collections.abc import Callable
from typing import IO, Literal

import msgspec

Form = Literal["parquet", "csv", "ndjson", "arrow"]
Write = Callable[[IO[bytes]], None]  # writes a whole file
BadRows = Literal["keep", "refuse", "separate"]
ENDINGS: dict[str, Form] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
PLAN_FILE = "_plan.json"  # names that begin with _ are no data: Spark, Arrow and others leave them out
MANIFEST_FILE = "_manifest.json"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes the answers. `keep` are the columns that come back, None for all; `columns` are those of inputs.

    `p_values` asks for a p-value for each class.
    """

    bad_rows: BadRows = "keep"
    keep: tuple[str, ...] | None = None
    columns: dict[str, str] = {}
    p_values: bool = False


class Found(msgspec.Struct, frozen=True):
    """An input file. `state` is what changes with its content: size and time of change, or its generation in a bucket.

    `name` is its path below what all inputs have in common.
    """

    path: str
    name: str
    form: Form
    size: int
    state: str


class Part(msgspec.Struct, frozen=True):
    """A part of the work: a file, or one row group of it. `output` is the name of the file of its answers."""

    source: Found
    output: str
    group: int | None = None
    groups: int = 1

    @property
    def record(self) -> str:
        """The name of the part's own record, beside its output."""
        return beside(self.output, ".json")

    @property
    def separated(self) -> str:
        """The name of the file of the rows that are not judged, if they are separated."""
        stem, dot, ending = self.output.rpartition(".")
        return f"{stem}.bad{dot}{ending}"


class Output(msgspec.Struct, frozen=True):
    """A file that was written."""

    name: str
    bytes: int
    sha256: str
    rows: int


class Record(msgspec.Struct, frozen=True):
    """What was done to a part. It is written last, so a part that has one is done.

    `digest` is the SHA-256 of the input's bytes: of the file, or of the row group. In a bucket it is empty, because the
    generation in `state` names the bytes. `outputs` has a second file if bad rows are separated, and there are some.
    """

    input: str
    state: str
    digest: str
    group: int | None
    rows: int
    bad_rows: int
    outputs: tuple[Output, ...]
    bundle: str


class Plan(msgspec.Struct, frozen=True):
    """A job: one place has one of them. Another one is refused there."""

    bundle: str
    options: Options
    inputs: tuple[Found, ...]


class Manifest(msgspec.Struct, frozen=True):
    """What was done, made of all records."""

    bundle: str
    options: Options
    rows: int
    bad_rows: int
    parts: tuple[Record, ...]


class Failed(Exception):
    """Raised for a part or a file that cannot be answered. It carries the sentence. The others go on."""


def beside(name: str, ending: str) -> str:
    """Return the name of a file that is no data, beside another one."""
    directory, slash, base = name.rpartition("/")
    return f"{directory}{slash}_{base}{ending}"


def form_of(path: str) -> Form | None:
    """Return the form of a file by the end of its name, or None."""
    return next((form for ending, form in ENDINGS.items() if path.lower().endswith(ending)), None)
