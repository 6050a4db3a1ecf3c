"""From C to a library: the translation units, their compiler flags, and the variants that are measured."""

from pathlib import Path
from typing import get_args

from compile.data.layout import Layout
from compile.source import TREE_UNITS
from compile.toolchain import Compiler, Unit, compile_units, link_library
from contract.manifest import OneRow, Tuning
from contract.refusal import Refusal

TUNING_FILE = "tuning.h"
NEVER = 1 << 30  # a number of rows that is never reached, so that no block is used

# How one row is evaluated: the value of the macro ONE_ROW, with which library.c is compiled.
ONE_ROW = {"tl2cgen": 0, "walk": 1, "ranks": 2}
INSTRUCTION_SET_FLAGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "x86_64": (
        (),
        ("-mavx2", "-mpopcnt"),
        ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mpopcnt", "-mprefer-vector-width=512"),
    ),
}
# The forms of ranks.c: AVX-512 without VBMI uses that of AVX2. Longer vectors slow the additions.
FORM_FLAGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "x86_64": (
        (),
        ("-mavx2", "-mpopcnt"),
        (*INSTRUCTION_SET_FLAGS["x86_64"][2][:-1], "-mavx512vbmi", "-mprefer-vector-width=256"),
    ),
}
OPTIMIZED = "-O3"  # for our own code, which is faster with vector instructions
PLAIN = "-O2"  # for tl2cgen's code, of which there can be much


class Build:
    """The compiled units of a model. A variant costs little: library.c, and once what its way for one row needs."""

    def __init__(self, compiler: Compiler, directory: Path, layout: Layout, with_tl2cgen: bool) -> None:
        """Compile what every variant needs. `directory` holds what `write_source` wrote. Raises Refusal."""
        self.compiler = compiler
        self.directory = directory
        walk_data = Unit("walk_data.c", "walk_data.o", (PLAIN,))
        self._rows = [*_row_units(compiler), *([walk_data] if layout.walked else [])]
        self._own: dict[OneRow, list[Unit]] = {  # by the way of one row: the units that only it needs
            "tl2cgen": _tree_units(directory) if with_tl2cgen else [],
            "walk": [Unit("walk.c", "walk.o", (OPTIMIZED,)), *([] if layout.walked else [walk_data])],
            "ranks": _rank_units(compiler) if layout.ranked else [],
        }
        self._compiled: set[str] = set()  # ways whose units are compiled
        compile_units(compiler, self._rows, directory)

    @property
    def ways(self) -> list[OneRow]:
        """Return the ways to evaluate one row that suit the model. The last one is our own best."""
        return [way for way in get_args(OneRow) if self._own[way]]

    def library(self, tuning: Tuning) -> bytes:
        """Return the bytes of the library that evaluates as `tuning` says. Raises Refusal."""
        macros = f"#define ONE_ROW {ONE_ROW[tuning.one_row]}\n#define BLOCK_FROM {tuning.block_from}\n"
        (self.directory / TUNING_FILE).write_text(macros, encoding="ascii")
        way = tuning.one_row
        if not self._own[way]:
            raise Refusal(f"expected a model for --one-row {way}, found one that it cannot take; choose --one-row walk")
        interface = Unit("library.c", "library.o", (OPTIMIZED,))
        own = [] if way in self._compiled else self._own[way]
        compile_units(self.compiler, [interface, *own], self.directory)
        self._compiled.add(way)
        return link_library(self.compiler, [interface, *self._rows, *self._own[way]], self.directory)


def _tree_units(directory: Path) -> list[Unit]:
    sources = sorted(path.name for pattern in TREE_UNITS for path in directory.glob(pattern))
    return [Unit(source, f"{source}.o", (PLAIN,)) for source in sources]


def _row_units(compiler: Compiler) -> list[Unit]:
    """Return rows.c once for each instruction set that the target may have, and the units that occur once."""
    sets = INSTRUCTION_SET_FLAGS.get(compiler.machine, ((),))
    rows = [
        Unit("rows.c", f"rows_{number}.o", (OPTIMIZED, f"-DINSTRUCTION_SET={number}", *flags))
        for number, flags in enumerate(sets)
    ]
    plain = [Unit(f"{name}.c", f"{name}.o", (OPTIMIZED,)) for name in ("python", "columns")]
    return [*plain, Unit("model_data.c", "model_data.o", (PLAIN,)), *rows]


def _rank_units(compiler: Compiler) -> list[Unit]:
    """Return ranks.c once for each form that the target may have, and its data."""
    forms = [
        Unit("ranks.c", f"ranks_{number}.o", (OPTIMIZED, f"-DFORM={number}", *flags))
        for number, flags in enumerate(FORM_FLAGS.get(compiler.machine, ((),)))
    ]
    return [*forms, Unit("rank_data.c", "rank_data.o", (PLAIN,))]
