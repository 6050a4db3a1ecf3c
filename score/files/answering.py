"""One part: its rows are read, answered and written, and then its record. The record comes last."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from contract.refusal import Refusal
from score.arrow import ArrowScorer
from score.bundle import Bundle
from score.files.csv_reading import CsvBatches
from score.files.job import Failed, Options, Output, Part, Record
from score.files.lines import Lines
from score.files.opening import Place, Source, open_source
from score.files.parts import check_state
from score.files.reading import ArrowBatches, Batches, ParquetBatches, digest_of
from score.files.writing import Digested, Writer, writer_of

Report = Callable[[int, int, float], None]  # rows, bad rows, and how much of the part is done


class Block(NamedTuple):
    """Some answers: what is written for all rows, for those that were judged, and for the others."""

    rows: int
    bad_rows: int
    share: float
    select: Callable[[bool | None], Any]  # True: judged; False: not judged; None: all
    reason: Callable[[], str]  # of the first bad row


class Answering:
    """Answers parts of one job."""

    def __init__(self, bundle: Bundle, options: Options, place: Place, report: Report) -> None:
        self._bundle = bundle
        self._options = options
        self._place = place
        self._report = report

    def answer(self, part: Part) -> Record:
        """Answer a part, and write its record. Raises Failed."""
        source = open_source(part.source.path, part.source.state)
        try:
            check_state(source.state(), part.source)
            record = self._answer(part, source)
        finally:
            source.close()
        encoded = msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
        self._place.create(part.record, lambda file: _write(file, encoded))
        return record

    def _answer(self, part: Part, source: Source) -> Record:
        in_bucket = "generation" in part.source.state
        digest = "" if in_bucket else digest_of(source.file, part)
        job = _Part(self._bundle, self._options, part, source, self._report)
        names = [part.output, *([part.separated] if self._options.bad_rows == "separate" else [])]
        outputs = self._written(names, job, [])
        found = part.source
        return Record(
            *(found.path, found.state, digest, part.group, job.rows, job.bad_rows, outputs, self._bundle.version)
        )

    def _written(self, names: list[str], job: "_Part", files: list[IO[bytes]]) -> tuple[Output, ...]:
        """Open the files of these names, one within the other, write them, and return what was written."""
        if len(files) == len(names):
            return job.write(names, files)
        made: list[tuple[Output, ...]] = []
        self._place.create(names[len(files)], lambda file: made.append(self._written(names, job, [*files, file])))
        return made[0]


class _Part:
    """The rows of a part on their way from its source to its outputs."""

    def __init__(self, bundle: Bundle, options: Options, part: Part, source: Source, report: Report) -> None:
        self._bundle, self._options, self._part, self._source, self._report = bundle, options, part, source, report
        self.rows = self.bad_rows = 0

    def write(self, names: list[str], files: list[IO[bytes]]) -> tuple[Output, ...]:
        """Write the files. Raises Failed, also if the source has changed meanwhile."""
        self.rows = self.bad_rows = 0
        digested = [Digested(file) for file in files]
        separate = len(files) > 1
        counts = [0] * len(files)
        self._source.file.seek(0)
        with ExitStack() as held:
            blocks, writers = self._begin(digested)
            for writer in writers:
                held.callback(writer.close)
            for block in blocks:
                self._count(block)
                for i, writer in enumerate(writers):
                    writer.write(block.select((i == 0) if separate else None))
                    counts[i] += (block.rows - block.bad_rows, block.bad_rows)[i] if separate else block.rows
                self._report(block.rows, block.bad_rows, block.share)
        check_state(self._source.state(), self._part.source)
        return tuple(file.output(name, rows) for file, name, rows in zip(digested, names, counts, strict=True))

    def _count(self, block: Block) -> None:
        if block.bad_rows and self._options.bad_rows == "refuse":
            raise Failed(
                f"{self._part.source.path}: expected no bad rows, found {block.bad_rows} from row {self.rows + 1} on; "
                f"the first one: {block.reason()}; to score the others, type --bad-rows keep or separate"
            )
        self.rows += block.rows
        self.bad_rows += block.bad_rows

    def _begin(self, files: list[Digested]) -> tuple[Iterator[Block], list[Writer]]:
        """Return the blocks of the part, and what writes them. Raises Failed."""
        if self._part.source.form == "ndjson":
            lines = Lines(self._source.file, self._part, self._bundle, self._options)
            return _line_blocks(lines), [_LineWriter(file) for file in files]
        batches, style = self._batches()
        form = self._part.source.form
        try:
            scorer = ArrowScorer(
                *(self._bundle, batches.schema, self._options.keep, self._options.columns),
                comma=style.get("comma", False),
                dictionaries=form == "parquet",
                p_values=self._options.p_values,
            )
        except Refusal as refusal:
            raise Failed(f"{self._part.source.path}: {refusal}") from refusal
        return _arrow_blocks(batches, scorer), [writer_of(form, file, scorer.schema, **style) for file in files]

    def _batches(self) -> tuple[Batches, dict[str, Any]]:
        file, part, options = self._source.file, self._part, self._options
        if part.source.form == "csv":
            rows = CsvBatches(file, part, self._bundle.contract, options.columns)
            return rows, {"delimiter": rows.delimiter, "comma": rows.comma}
        if part.source.form == "arrow":
            return ArrowBatches(file, part), {}
        wanted = None
        if options.keep is not None:
            wanted = {*options.keep, *self._bundle.contract.input_names, *options.columns.values()}
        return ParquetBatches(file, part, wanted), {}


class _LineWriter:
    """Writes answered lines."""

    def __init__(self, file: Digested) -> None:
        self._file = file

    def write(self, lines: list[bytes]) -> None:
        """Write some lines."""
        self._file.write(b"".join([line + b"\n" for line in lines]))

    def close(self) -> None:
        """Do nothing: there is no end to write."""


def _line_blocks(lines: Lines) -> Iterator[Block]:
    for block in lines:
        bad = [line for line, judged in block if not judged]

        def select(judged: bool | None, block: Any = block) -> list[bytes]:
            return [line for line, own in block if judged is None or own == judged]

        def reason(bad: list[bytes] = bad) -> str:
            *_, value = msgspec.json.decode(bad[0], type=dict[str, Any]).values()
            return str(value)

        yield Block(len(block), len(bad), lines.share(), select, reason)


def _arrow_blocks(batches: Batches, scorer: ArrowScorer) -> Iterator[Block]:
    for batch, faults in batches:
        answers = scorer.score(batch, faults)
        reasons = answers.column(answers.num_columns - 1)

        def select(judged: bool | None, answers: Any = answers, reasons: Any = reasons) -> pa.RecordBatch:
            if judged is None or (judged and reasons.null_count == len(reasons)):
                return answers
            return answers.filter(pc.is_null(reasons) if judged else pc.is_valid(reasons))

        def reason(reasons: Any = reasons) -> str:
            return str(reasons.drop_null()[0].as_py())

        yield Block(batch.num_rows, len(reasons) - reasons.null_count, batches.share(), select, reason)


def _write(file: IO[bytes], data: bytes) -> None:
    file.write(data)
