"""What only the owner of a model can say about it, in words."""

from typing import NamedTuple


class Licence(NamedTuple):
    """A licence: its identifier as model hubs know it, and its address."""

    identifier: str
    name: str
    url: str


class Story(NamedTuple):
    """The words of a model's owner. All texts are Markdown; a figure in them is computed.

    `purpose` and `not_for` say what the model is for, `limits` where it fails. `data` says what it was trained on.
    `datasets` are identifiers for model hubs. `citation` says how to cite the model and its data. What is empty is
    unknown, and the card says so.
    """

    purpose: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    data: str = ""
    licence: Licence | None = None
    datasets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    citation: str = ""


UNKNOWN = Story(limits=("It is not known what the model was trained on: its owner knows where it may fail.",))
