"""lignum with its trees compiled to C."""

import lignum

from benchmarks.contenders.entry import Entry
from benchmarks.contenders.lignum_interpreter import ask_lignum
from benchmarks.contenders.models import Model

NAME = "lignum, compiled"


def prepare(model: Model, _rows: int) -> Entry:
    """Compile once, and prepare calls on one thread."""
    model.cache.mkdir(parents=True, exist_ok=True)
    loaded = lignum.load(str(model.path))
    loaded.compile(work_dir=str(model.cache.absolute()))
    return ask_lignum(model, loaded)
