from pathlib import Path

import pytest

from benchmarks.load.locust_run import LocustRun, read_run


def run(requests: int = 100, failures: int = 0, milliseconds: float = 1) -> LocustRun:
    made = LocustRun("baseline", True, 0.0, 4.0)
    for number in range(requests):
        made.add(milliseconds, "bird: expected status 200, found 503" if number < failures else "")
    return made


@pytest.mark.parametrize(
    ("found", "figures"),
    [
        (run(), []),
        (run(failures=1), ["failure ratio"]),
        (run(milliseconds=250), ["p95 ms"]),
        (run(requests=39), ["requests/s"]),
        (run(requests=0), ["p95 ms", "requests/s", "failure ratio"]),
    ],
)
def test_each_objective_can_be_missed(found: LocustRun, figures: list[str]) -> None:
    """One figure each misses an objective; without any request nothing is kept."""
    assert [objective.figure for objective, _, kept in found.judgement() if not kept] == figures


def test_the_verdict_names_what_was_missed_and_why(tmp_path: Path) -> None:
    """The verdict is for a person at a terminal, and survives the journey as JSON."""
    run(failures=3).store(tmp_path / "run.json")
    lines = read_run(tmp_path / "run.json").verdict().splitlines()
    assert lines[0] == "profile baseline, short: 100 requests in 4.0 s"
    assert lines[-2].split() == ["failure", "ratio", "at", "most", "0", "0.03", "MISSED"]
    assert lines[-1] == "3 x bird: expected status 200, found 503"
