import pytest

from benchmarks.latency import decode, encode
from benchmarks.load.locust_run import LocustRun


def run(requests: int = 100, failures: int = 0, microseconds: float = 1_000) -> LocustRun:
    made = LocustRun("baseline", True, 0.0, 4.0, 80.0)
    for number in range(requests):
        made.add("bird", microseconds, "expected status 200, found 503" if number < failures else "")
    return made


@pytest.mark.parametrize(
    ("found", "figures"),
    [
        (run(), []),
        (run(failures=1), ["failure ratio"]),
        (run(microseconds=250_000), ["p95 ms"]),
        (run(requests=39), ["requests/s"]),
        (run(requests=0), ["p95 ms", "requests/s", "failure ratio"]),
    ],
)
def test_each_objective_can_be_missed(found: LocustRun, figures: list[str]) -> None:
    """One figure each misses an objective; without any request nothing is kept."""
    assert [objective.figure for objective, _, kept in found.judgement() if not kept] == figures


def test_the_verdict_names_what_was_missed_and_why() -> None:
    """The verdict is for a person at a terminal, and survives the journey as JSON."""
    lines = decode(encode(run(failures=3)), LocustRun).verdict().splitlines()
    assert lines[0] == "profile baseline, short: 100 requests in 4.0 s"
    assert lines[-2].split() == ["failure", "ratio", "at", "most", "0", "0.03", "MISSED"]
    assert lines[-1] == "3 x bird: expected status 200, found 503"
