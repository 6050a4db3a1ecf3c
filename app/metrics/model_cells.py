"""The series of one model. Each has labels that name the model; all are given up together."""

from app.metrics.cells import Cells
from app.metrics.families import series


class ModelCells:
    """The cells of one model's series. Every series has `labels` before its own labels."""

    def __init__(self, cells: Cells, **labels: str) -> None:
        self._cells = cells
        self._labels = labels
        self._names: dict[str, None] = {}  # used as an ordered set

    def take(self, family: str, count: int = 1, /, **labels: str) -> memoryview:
        """Return the `count` cells of one series of this model."""
        name = series(family, **self._labels, **labels)
        self._names[name] = None
        return self._cells.take(name, count)

    def give_up(self) -> None:
        """Give up all series of this model: they are no longer shown."""
        for name in self._names:
            self._cells.give_up(name)
        self._names.clear()
