"""Which cells the matrix has, and how few of them have every pair."""

import itertools

from tests.matrix.cells import BOOSTERS, FEATURES, OBJECTIVES, VERSIONS, Cell, formats, grid, pairwise, version_of
from tests.matrix.selection import SMALL, all_cells, small_cells
from tests.matrix.situations import SITUATIONS, situations

Pair = tuple[tuple[int, str], ...]


def pairs(cells: list[Cell]) -> set[Pair]:
    return {pair for cell in cells for pair in itertools.combinations(enumerate(cell[:4]), 2)}


def test_every_value_of_every_dimension_is_in_the_matrix() -> None:
    """Every value of every dimension is in the matrix."""
    cells = [cell for version in VERSIONS for cell in grid(version)]
    assert {cell.version for cell in cells} == set(VERSIONS)
    assert {cell.booster for cell in cells} == set(BOOSTERS)
    assert {cell.objective for cell in cells} == set(OBJECTIVES)
    assert {cell.features for cell in cells} == set(FEATURES)


def test_a_version_has_no_objective_before_it_was_invented() -> None:
    """A version has no cell for what it does not know yet."""
    of = {version: set(grid(version)) for version in VERSIONS}
    assert not any(cell.objective == "reg:expectileerror" for cell in of["3.2.0"])
    assert any(cell.objective == "reg:expectileerror" for cell in of["3.3.0"])
    assert not any(cell.objective == "reg:quantileerror" for cell in of["1.7.6"])
    assert not any(cell.features == "one-hot" for cell in of["1.5.2"])
    assert any(cell.features == "one-hot" for cell in of["1.7.6"])


def test_names_are_unique_within_a_version() -> None:
    """Two cells of a version have different names."""
    for version in VERSIONS:
        names = [cell.name for cell in all_cells([version])]
        assert len(names) == len(set(names))


def test_pairwise_has_every_pair_and_nothing_that_cannot_be() -> None:
    """The chosen cells have every possible pair and are far fewer."""
    cells = [cell for version in SMALL for cell in grid(version)]
    chosen = pairwise(cells)
    assert pairs(chosen) == pairs(cells)
    assert set(chosen) <= set(cells)
    assert len(chosen) < len(cells) / 8


def test_pairwise_chooses_the_same_cells_every_time() -> None:
    """The choice is the same every time, so a failure can be repeated."""
    cells = [cell for version in SMALL for cell in grid(version)]
    assert pairwise(cells) == pairwise(cells)


def test_the_small_form_has_every_pair_and_every_situation_once() -> None:
    """The small form has every pair and every situation once."""
    chosen = small_cells(SMALL)
    assert pairs(chosen) >= pairs([cell for version in SMALL for cell in grid(version)])
    found = [cell.situation for cell in chosen if cell.situation]
    assert sorted(found) == sorted({cell.situation for version in SMALL for cell in situations(version)})


def test_the_small_form_takes_situations_from_all_of_its_versions() -> None:
    """The small form takes situations from all of its versions."""
    assert {cell.version for cell in small_cells(SMALL) if cell.situation} == set(SMALL)


def test_a_situation_is_left_to_the_versions_that_know_it() -> None:
    """A situation is in the versions that know it."""
    assert SITUATIONS["sliced"].since == "1.3"
    of = {version: {cell.situation for cell in situations(version)} for version in VERSIONS}
    assert "sliced" not in of["1.1.1"]
    assert "sliced" in of["1.3.3"]
    assert "wrapper-words" in of["1.5.2"]
    assert "wrapper-words" not in of["1.7.6"]


def test_formats_are_those_that_the_version_writes() -> None:
    """A version has the formats that it writes."""
    assert [formats(version) for version in ("0.90", "1.5.2", "1.7.6", "3.4.1")] == [
        ("bin",),
        ("json",),
        ("json", "ubj"),
        ("json", "ubj"),
    ]


def test_versions_are_compared_as_numbers() -> None:
    """Versions are compared as numbers."""
    assert version_of("1.10.0") > version_of("1.9.2") > version_of("0.90")
    assert list(VERSIONS) == sorted(VERSIONS, key=version_of)
