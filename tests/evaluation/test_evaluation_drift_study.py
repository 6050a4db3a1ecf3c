from pathlib import Path

import numpy as np
import pytest

from contract.refusal import Refusal
from evaluation.drift_study import A_DAY, Population, alarm, drifts, main, read_population, study


@pytest.fixture(scope="module")
def population(artifacts: Path) -> Population:
    return read_population(artifacts)[0]


def test_birds_are_like_those_of_the_data(population: Population) -> None:
    """They are measured as finely, and the species have their shares; a colony of one species has no other."""
    rows = population.draw(20_000)
    assert np.allclose(rows[:, 2:] / [1, 25] % 1, 0)
    watched = population.watch(rows)
    assert np.bincount(watched["species"].astype(int)) / 20_000 == pytest.approx([0.36, 0.2, 0.44], abs=0.02)
    adelies = population.watch(population.draw(1_000, only=2))["species"]
    assert (adelies == 2).mean() > 0.95


def test_a_drift_is_seen_and_a_quiet_day_is_not(population: Population) -> None:
    """A reference of as many birds as were trained on watches all inputs, the species and the confidence."""
    known = population.reference()
    assert len(known.variables) == 6
    assert not alarm(known, population.watch(population.draw(A_DAY)))
    for name, draw in drifts(population).items():
        assert alarm(known, population.watch(draw(5_000))), name


def test_a_day_is_judged_like_the_service_does(population: Population) -> None:
    """With fewer rows than the service wants there is no alarm, whatever they are."""
    assert not alarm(population.reference(), population.watch(population.draw(100, only=0)))


def test_the_page_has_what_was_measured(artifacts: Path, tmp_path: Path) -> None:
    """Each kind of drift has a row."""
    study(artifacts, tmp_path / "drift.md", trials=2, runs=1)
    page = (tmp_path / "drift.md").read_text(encoding="utf-8")
    assert "| only Chinstrap | 200 |" in page
    assert "of 200 days of 1,000 requests had an alarm" in page


def test_without_a_bundle_the_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal names the command that makes a bundle, and the status is 2."""
    with pytest.raises(Refusal, match="make compile"):
        read_population(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["--quick"]) == 2
    assert "make it: make compile" in capsys.readouterr().err
