"""The parts of a job: each row group of a Parquet file, and every other file as a whole."""

from collections.abc import Sequence

from contract.refusal import Refusal
from score.files.job import Failed, Found, Part
from score.files.opening import open_source
from score.files.reading import groups_of


def parts_of(inputs: Sequence[Found]) -> tuple[list[Part], dict[str, str]]:
    """Return all parts in order, and the inputs that cannot be read, with the reason. Raises Refusal.

    It is refused if two parts would have the same output.
    """
    parts: list[Part] = []
    failed: dict[str, str] = {}
    for found in inputs:
        try:
            parts += _parts(found)
        except Failed as failure:
            failed[found.path] = str(failure)
    names: dict[str, str] = {}
    for part in parts:
        for name in (part.output, part.separated, part.record):
            other = names.setdefault(name, part.source.path)
            if other != part.source.path:
                raise Refusal(f"expected inputs with different names; {other} and {part.source.path} would be {name}")
    return parts, failed


def _parts(found: Found) -> list[Part]:
    if not found.size:
        raise Failed(f"{found.path}: expected a file with rows, found an empty one; write it again, or leave it out")
    if found.form != "parquet":
        return [Part(found, found.name)]
    source = open_source(found.path, found.state)
    try:
        check_state(source.state(), found)
        groups, _ = groups_of(source.file, found.path)
    finally:
        source.close()
    if groups <= 1:
        return [Part(found, found.name, 0, groups)]
    stem, dot, ending = found.name.rpartition(".")
    return [Part(found, f"{stem}-{i:05}-of-{groups:05}{dot}{ending}", i, groups) for i in range(groups)]


def check_state(state: str, found: Found) -> None:
    """Raise Failed unless an input is as it was when the job began."""
    if state != found.state:
        raise Failed(
            f"{found.path} changed meanwhile: expected {found.state}, found {state}; when it is complete, start again "
            "with another --out"
        )
