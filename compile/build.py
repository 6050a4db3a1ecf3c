"""From C to a library: which units there are, what each is compiled with, and the variants that are measured."""

from pathlib import Path

from compile.source import TREE_UNITS
from compile.toolchain import Compiler, Unit, compile_units, link_library
from contract.manifest import Tuning

TUNING_FILE = "tuning.h"
NEVER = 1 << 30  # rows: a block that is never reached

# One row a time, or blocks of rows: what library.c is compiled with to measure each.
ONE_ROW = {"tl2cgen": 0, "walk": 1}
INSTRUCTION_SET_FLAGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "x86_64": (
        (),
        ("-mavx2", "-mpopcnt"),
        ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mpopcnt", "-mprefer-vector-width=512"),
    ),
}
OPTIMIZED = "-O3"  # our own code, which vectors gain by
PLAIN = "-O2"  # tl2cgen's, of which there can be much


class Build:
    """The compiled units of a model. Only library.c depends on the tuning, so variants cost little."""

    def __init__(self, compiler: Compiler, directory: Path, with_tl2cgen: bool) -> None:
        """Compile everything but library.c. `directory` holds what `write_source` wrote. Raises Refusal."""
        self.compiler = compiler
        self.directory = directory
        self._trees = _tree_units(directory) if with_tl2cgen else []
        self._rows = _row_units(compiler)
        compile_units(compiler, [*self._rows, *self._trees], directory)

    def library(self, tuning: Tuning) -> bytes:
        """The library that evaluates as `tuning` says. Raises Refusal."""
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
    """rows.c once for each instruction set that the target may have."""
    sets = INSTRUCTION_SET_FLAGS.get(compiler.machine, ((),))
    rows = [
        Unit("rows.c", f"rows_{number}.o", (OPTIMIZED, f"-DINSTRUCTION_SET={number}", *flags))
        for number, flags in enumerate(sets)
    ]
    plain = [Unit(f"{name}.c", f"{name}.o", (OPTIMIZED,)) for name in ("walk", "python")]
    return [*plain, Unit("model_data.c", "model_data.o", (PLAIN,)), *rows]
