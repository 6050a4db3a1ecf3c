"""Which folder may import which, without circles, and how large folders and files may be."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.rooms import COMMANDS, ROOMS, STAGES

MAX_FILES, MAX_LINES = 16, 300  # of a folder, its __init__.py included; of a file


def modules_of(folder: str) -> dict[str, set[str]]:
    """Return what each module of a folder imports of this repository, inside functions and for types too."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        nodes = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        names = set()
        for node in nodes:
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        found[name_of(path)] = {name for name in names if is_module(name)}
    return found


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def is_module(name: str) -> bool:
    return name.partition(".")[0] in STAGES and (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_what_the_table_allows(stage: str) -> None:
    """A stage imports only what the table allows."""
    for module, names in modules_of(stage).items():
        imported = {name.partition(".")[0] for name in names}
        assert imported - {stage} <= STAGES[stage] | COMMANDS.get(module, set()), module


def test_rooms_of_the_app_import_what_the_table_allows() -> None:
    """Every module of the app is in a room and imports only what the table allows."""
    for module, names in modules_of("app").items():
        room = module.split(".")[1]
        imported = {name.split(".")[1] for name in names if name.startswith("app.")}
        assert room == "__init__" or imported - {room} <= ROOMS[room], module


@pytest.mark.parametrize("stage", [*STAGES, "benchmarks"])
def test_no_circle(stage: str) -> None:
    """No modules import each other in a circle."""
    TopologicalSorter(modules_of(stage)).prepare()


def test_folders_and_files_are_small() -> None:
    """Every folder has few files, and every file has few lines."""
    for stage in [*STAGES, "benchmarks"]:
        folders = [ROOT / stage, *(path for path in (ROOT / stage).rglob("*") if path.is_dir())]
        for folder in folders:
            assert len(list(folder.glob("*.py"))) <= MAX_FILES, folder
    for path in [*ROOT.glob("*/**/*.py"), *ROOT.glob("*/**/*.[ch]")]:
        ours = "node_modules" not in path.parts
        if ours and path.relative_to(ROOT).parts[0] in {*STAGES, "benchmarks", "tests"}:
            assert path.read_text().count("\n") <= MAX_LINES, path


def test_a_test_file_has_its_own_name_and_imports_no_other() -> None:
    """No two test files share a name, and what tests share is not in a test file."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    assert len({path.name for path in paths}) == len(paths)
    for path in [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.module.rpartition(".")[2].startswith("test_"), path


def test_types_are_decoded_by_decoders_that_are_made_at_import() -> None:
    """No thread is the first to decode a type: msgspec 0.22.0 crashes if two threads do that at once."""
    for path in [path for stage in ("app", "bundle", "contract") for path in (ROOT / stage).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "decode":
                named = {keyword.arg for keyword in node.keywords}
                assert "type" not in named, f"{path}:{node.lineno}"
