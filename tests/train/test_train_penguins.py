"""The data loader: what it counts, and what it refuses."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from contract.refusal import Refusal
from train.contract import CLASSES
from train.penguins import SHA256, Penguins, load, parse

HEADER = b"species,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g\n"


def test_counts(penguins: Penguins) -> None:
    """The loader reads 344 birds, drops 2 and keeps 342."""
    assert (penguins.rows_read, penguins.rows_dropped, len(penguins.labels)) == (344, 2, 342)


def test_species_counts(penguins: Penguins) -> None:
    """Each label appears as often as the authors of the data say."""
    counts = np.bincount(penguins.labels, minlength=len(CLASSES)).tolist()
    assert dict(zip(CLASSES, counts, strict=True)) == {"Gentoo": 123, "Chinstrap": 68, "Adelie": 151}


def test_shapes_and_types(penguins: Penguins) -> None:
    """Measurements are float32 rows and labels are int64, in the file's order."""
    assert penguins.measurements.shape == (342, 4)
    assert penguins.measurements.dtype == np.float32
    assert penguins.labels.shape == (342,)
    assert penguins.labels.dtype == np.int64
    assert penguins.measurements[0].tolist() == np.array([39.1, 18.7, 181, 3750], np.float32).tolist()


def test_changed_data_is_refused(data: Path, tmp_path: Path) -> None:
    """Changed data is refused with both digests and both repairs."""
    changed = tmp_path / "penguins.csv"
    content = data.read_bytes().replace(b"39.1", b"39.2", 1)
    changed.write_bytes(content)
    with pytest.raises(Refusal) as refusal:
        load(changed)
    message = str(refusal.value)
    assert f"expected sha256 {SHA256}, found {sha256(content).hexdigest()}" in message
    assert "git checkout train/data/penguins.csv" in message
    assert "edit SHA256 in train/penguins.py" in message


@pytest.mark.parametrize("path", ["absent.csv", "."])
def test_unreadable_data_is_refused(tmp_path: Path, path: str) -> None:
    """A missing file or a folder is refused with the command that restores it."""
    with pytest.raises(Refusal, match=r"cannot read .*git checkout"):
        load(tmp_path / path)


@pytest.mark.parametrize("missing", [b"NA,3750", b",3750", b"181"])
def test_a_bird_without_a_measurement_is_dropped(missing: bytes) -> None:
    """A bird without a measurement is dropped, and the next one is kept."""
    birds = parse(HEADER + b"Adelie,39.1,18.7," + missing + b"\nGentoo,46.1,13.2,211,4500\n")
    assert (birds.rows_read, birds.rows_dropped, birds.labels.tolist()) == (2, 1, [CLASSES.index("Gentoo")])


@pytest.mark.parametrize(
    ("bird", "complaint"),
    [
        (b"Emperor,39.1,18.7,181,3750", "expected a species of Gentoo, Chinstrap, Adelie, found 'Emperor'"),
        (b"Emperor,NA,NA,NA,NA", "found 'Emperor'"),
        (b"Adelie,39.1,deep,181,3750", "expected bill_depth_mm between 8 and 30 mm, found 'deep'"),
        (b"Adelie,39.1,nan,181,3750", "found 'nan'"),
        (b"Adelie,39.1,18.7,18.1,3750", "expected flipper_length_mm between 120 and 280 mm, found '18.1'"),
        (b"Adelie,39.1,18.7,181,\xff", "expected body_mass_g between 1500 and 9000 g, found '\ufffd'"),
    ],
)
def test_a_bad_value_is_refused(bird: bytes, complaint: str) -> None:
    """A bad value is refused with the line, the expectation and the value."""
    with pytest.raises(Refusal) as refusal:
        parse(HEADER + b"Adelie,39.1,18.7,181,3750\n" + bird + b"\n")
    assert str(refusal.value).startswith("line 3: ")
    assert complaint in str(refusal.value)


@pytest.mark.parametrize("text", [b"", b"species,bill_length_mm\n"])
def test_a_missing_column_is_refused(text: bytes) -> None:
    """A missing column is refused by its name."""
    with pytest.raises(Refusal, match="line 1: expected a column"):
        parse(text)


def test_no_birds() -> None:
    """A header alone gives empty arrays of the right shape."""
    assert parse(HEADER).measurements.shape == (0, 4)


def test_groups_are_read_where_there_are_columns() -> None:
    """The columns of groups are read for the birds that are kept; a missing cell has a name, a missing column none."""
    header = HEADER.rstrip(b"\n") + b",sex,year\n"
    rows = b"Adelie,39.1,18.7,181,3750,male,2007\nAdelie,NA,NA,NA,NA,female,2007\nGentoo,47,15,215,5000,NA,2009\n"
    assert parse(header + rows).groups == {"sex": ("male", "not recorded"), "year": ("2007", "2009")}
    assert parse(HEADER).groups == {}
