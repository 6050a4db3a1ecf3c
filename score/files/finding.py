"""From what a person types to the inputs of a job: files, directories, patterns, gs:// addresses."""

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path

from bundle.stores.store import CLOUD_SCHEME
from contract.refusal import Refusal
from contract.schema import listed
from score.files.directory import state_of
from score.files.job import ENDINGS, Failed, Found, form_of

Raw = tuple[str, int, str]  # path, size, state


def find(sources: Sequence[str], out: str) -> tuple[Found, ...]:
    """Return the inputs, in the order of their names. Files below `out` are none. Raises Refusal."""
    found: dict[str, Raw] = {}
    for source in sources:
        for raw in _cloud(source) if source.startswith(CLOUD_SCHEME) else _local(source):
            found[raw[0]] = raw
    inside = _prefix(out)
    inputs = [raw for path, raw in found.items() if not path.startswith(inside)]
    if not inputs:
        raise Refusal(f"expected files that end with {', '.join(ENDINGS)}; found none in {listed(sources)}")
    root = _common([raw[0] for raw in inputs])
    named = [Found(path, path[len(root) :], form_of(path) or "csv", size, state) for path, size, state in inputs]
    return tuple(sorted(named, key=lambda each: each.name))


def _local(source: str) -> Iterator[Raw]:
    path = Path(source)
    if path.is_dir():
        for directory, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
            yield from (_file(Path(directory) / name) for name in sorted(names) if _is_data(name))
    elif path.exists():
        yield _file(path)
    elif any(sign in source for sign in "*?["):
        yield from (_file(Path(name)) for name in sorted(glob(source, recursive=True)) if _is_data(Path(name).name))  # noqa: PTH207  # the pattern may be absolute
    else:
        raise Refusal(f"expected a file or a directory, found no {source}")


def _file(path: Path) -> Raw:
    if form_of(path.name) is None:
        raise Refusal(f"{path}: expected a name that ends with {', '.join(ENDINGS)}")
    try:
        return os.path.normpath(path.absolute()), path.stat().st_size, state_of(path)
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror}; mend it, or leave it out") from error


def _cloud(source: str) -> Iterator[Raw]:
    """Yield the objects of an address, which may have a pattern, or be that of a directory."""
    from score.files.bucket import objects_of

    start = min((source.find(sign) for sign in "*?[" if sign in source), default=len(source))
    try:
        objects = objects_of(source[:start])
    except Failed as failed:
        raise Refusal(str(failed)) from failed
    for raw in objects:
        path = raw[0]
        wanted = (
            fnmatchcase(path, source) if start < len(source) else path == source or path.startswith(_prefix(source))
        )
        if wanted and all(_is_visible(step) for step in path[len(source[:start]) :].split("/")) and _is_data(path):
            yield raw


def _is_data(name: str) -> bool:
    return _is_visible(name) and form_of(name) is not None


def _is_visible(name: str) -> bool:
    return not name.startswith((".", "_"))


def _prefix(place: str) -> str:
    """Return how the paths of all files below a place begin."""
    return place.rstrip("/") + "/" if place.startswith(CLOUD_SCHEME) else os.path.abspath(place) + os.sep  # noqa: PTH100  # of text, also ..


def _common(paths: Sequence[str]) -> str:
    """Return the directory that all paths have in common, with a slash at its end."""
    if len({path.startswith(CLOUD_SCHEME) for path in paths}) > 1:
        raise Refusal("expected files, or addresses of gs://, found both; score them with two commands")
    directories = [path.rpartition("/")[0] for path in paths]
    common = os.path.commonpath([f"/{each}" for each in directories]).lstrip("/")
    return (f"/{common}" if paths[0].startswith("/") else common.replace("gs:/", CLOUD_SCHEME)).rstrip("/") + "/"
