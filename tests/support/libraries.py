"""Libraries built without measuring."""

from collections.abc import Callable
from pathlib import Path

from compile.build import Build
from compile.reading.booster import CompilableModel
from compile.source import write_source
from compile.toolchain import find_compiler
from contract.manifest import Tuning

TL2CGEN = Tuning("tl2cgen", 16, {})
WALK = Tuning("walk", 16, {})
RANKS = Tuning("ranks", 64, {})


def built(
    model: CompilableModel, directory: Path, tuning: Tuning = TL2CGEN, edit: Callable[[Path], None] | None = None
) -> bytes:
    """Return the library of a model, compiled in `directory` after `edit` has changed its C."""
    directory.mkdir(parents=True, exist_ok=True)
    with_tl2cgen = tuning.one_row == "tl2cgen"
    layout = write_source(model, directory, with_tl2cgen)
    if edit:
        edit(directory)
    return Build(find_compiler(), directory, layout, with_tl2cgen).library(tuning)
