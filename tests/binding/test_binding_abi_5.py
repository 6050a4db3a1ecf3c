"""Libraries of ABI 5, which bundles of format 2 hold, through the binding of today."""

import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binding.abi_5 import sets_of_bits
from binding.library import Library
from contract.format_2 import CONTRACT
from contract.refusal import Refusal
from score.bundle import load_bundle
from tests.support.format_2 import CLASSES, GOLDEN_ROW, image, make_format_2


@pytest.fixture(scope="module")
def old() -> bytes:
    return image()


@pytest.fixture(scope="module")
def library(old: bytes) -> Library:
    return Library(old, CLASSES)


measurements = st.tuples(*(st.floats(each.minimum, each.maximum, width=32) for each in CONTRACT.inputs))


def test_its_values_are_its_outputs(library: Library) -> None:
    """The shape is that of ABI 5, whose values are the outputs."""
    assert (library.inputs, library.features, library.outputs, library.values) == (4, 10, 3, 3)
    assert library.has_uncertainty


@given(measurements)
def test_one_row_answers_with_the_names_of_the_set(library: Library, row: tuple[float, ...]) -> None:
    """The set is a list of names, in order, of the classes whose bits the library gives."""
    label, values, members, inside, distance = library.predict(row)
    assert list(values) == list(CLASSES)
    assert label == list(values.values()).index(max(values.values()))
    assert members == [name for name, share in values.items() if share >= 0.25]
    assert distance == np.abs(np.float32(row[3]) - np.float32(4000)) * np.float32(0.002)
    assert inside == (distance <= 4)


@given(st.lists(measurements, min_size=1, max_size=9))
def test_batches_are_the_rows(library: Library, rows: list[tuple[float, ...]]) -> None:
    """A batch has the answers and judgements of its rows."""
    data = struct.pack(f"={4 * len(rows)}f", *(value for row in rows for value in row))
    batch = library.predict_rows(data, 0, len(rows))
    judged = library.judge_rows(data, batch.values, len(rows))
    sets = np.frombuffer(judged.sets, np.uint8).reshape(len(rows), 3)
    values = np.frombuffer(batch.values, np.float32).reshape(len(rows), 3)
    for i, row in enumerate(rows):
        label, named, members, inside, distance = library.predict(row)
        assert [name for name, flag in zip(CLASSES, sets[i], strict=True) if flag] == members
        assert (values[i] == list(named.values())).all()
        assert struct.unpack_from("=i", batch.labels, 4 * i)[0] == label
        assert bool(struct.unpack_from("=i", judged.in_distribution, 4 * i)[0]) == inside
        assert struct.unpack_from("=f", judged.distances, 4 * i)[0] == distance


@given(st.lists(st.integers(0, 2**31 - 1), max_size=20))
def test_bits_become_bytes(members: list[int]) -> None:
    """Each of up to 31 bits becomes a byte of 0 or 1, and the loss is none."""
    flags = np.frombuffer(sets_of_bits(struct.pack(f"={len(members)}i", *members), 31), np.uint8).reshape(-1, 31)
    assert [sum(int(bit) << i for i, bit in enumerate(row)) for row in flags] == members
    assert set(np.unique(flags).tolist()) <= {0, 1}


def test_the_function_outlives_its_library(old: bytes) -> None:
    """The function for one row keeps the library mapped."""
    predict = Library(old, CLASSES).predict
    assert predict(GOLDEN_ROW)[2] == ["Adelie"]


def test_nan_is_missing_and_what_is_no_number_is_an_error(library: Library) -> None:
    """NaN goes the way of a missing value. Text is an error, and so is a row that is too short."""
    assert math.isnan(library.predict((39.1, 18.7, 181.0, math.nan))[4])
    for row in (("a", 1.0, 1.0, 1.0), (1.0,)):
        with pytest.raises((TypeError, IndexError)):
            library.predict(row)  # type: ignore[arg-type]  # as a mistake would


def test_a_bundle_of_format_2_is_served(tmp_path: Path) -> None:
    """A bundle of format 2 loads, has the penguins' contract and gives its golden answer."""
    make_format_2(tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.contract == CONTRACT
    assert bundle.library.predict(GOLDEN_ROW)[2] == ["Adelie"]


@pytest.mark.parametrize("abi", [4, 7])
def test_another_abi_is_refused(tmp_path: Path, abi: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library of an ABI that is older or newer is refused with what to do."""
    source = tmp_path / "other.c"
    source.write_text((Path("tests/support/abi_5.c")).read_text().replace("{5, MEASUREMENTS", f"{{{abi}, MEASUREMENTS"))
    monkeypatch.setattr("tests.support.format_2.SOURCE", source)
    with pytest.raises(Refusal, match=rf"ABI 6 or 5, found {abi}; .*python -m compile MODEL"):
        Library(image())
