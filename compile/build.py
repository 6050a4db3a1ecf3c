"""From C to a library: the translation units, their compiler flags, and the variants that are measured."""

from pathlib import Path

from compile.source import TREE_UNITS
from compile.toolchain import Compiler, Unit, compile_units, link_library
from contract.manifest import Tuning

TUNING_FILE = "tuning.h"
NEVER = 1 << 30  # a number of rows that is never reached, so that no block is used

# How one row is evaluated: the value of the macro ONE_ROW, with which library.c is compiled.
ONE_ROW = {"tl2cgen": 0, "walk": 1}
INSTRUCTION_SET_FLAGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "x86_64": (
        (),
        ("-mavx2", "-mpopcnt"),
        ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mpopcnt", "-mprefer-vector-width=512"),
    ),
}
OPTIMIZED = "-O3"  # for our own code, which is faster with vector instructions
PLAIN = "-O2"  # for tl2cgen's code, of which there can be much


class Build:
    """The compiled units of a model. Only library.c depends on the tuning, so variants cost little."""

    def __init__(self, compiler: Compiler, directory: Path, with_tl2cgen: bool) -> None:
        """Compile everything except library.c. `directory` holds what `write_source` wrote. Raises Refusal."""
        self.compiler = compiler
        self.directory = directory
        self._trees = _tree_units(directory) if with_tl2cgen else []
        self._rows = _row_units(compiler)
        compile_units(compiler, [*self._rows, *self._trees], directory)

    def library(self, tuning: Tuning) -> bytes:
        """Return the bytes of the library that evaluates as `tuning` says. Raises Refusal."""
        macros = f"#define ONE_ROW {ONE_ROW[tuning.one_row]}\n#define BLOCK_FROM {tuning.block_from}\n"
        (self.directory / TUNING_FILE).write_text(macros, encoding="ascii")
        interface = Unit("library.c", "library.o", (OPTIMIZED,))
        compile_units(self.compiler, [interface], self.directory)
        trees = self._trees if tuning.one_row == "tl2cgen" else []
        return link_library(self.compiler, [interface, *self._rows, *trees], self.directory)


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
    plain = [Unit(f"{name}.c", f"{name}.o", (OPTIMIZED,)) for name in ("walk", "python", "columns")]
    return [*plain, Unit("model_data.c", "model_data.o", (PLAIN,)), *rows]
