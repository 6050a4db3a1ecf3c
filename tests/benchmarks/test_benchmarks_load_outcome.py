import msgspec
import pytest

from benchmarks.load.histogram import Histogram
from benchmarks.load.outcome import POINTS, Group, Outcome, points, verdict
from benchmarks.load.recorder import MOST_REASONS, Recorder, Recording


def outcome(requests: int = 100, failures: int = 0, microseconds: float = 1_000) -> Outcome:
    latency = Histogram()
    for _ in range(requests):
        latency.add(microseconds)
    groups = {"bird": Group(requests, failures, 1, 1, 1, 1)} if requests else {}
    reasons = {"bird: expected status 200, found 503": failures} if failures else {}
    return Outcome("baseline", True, "http://x", 0.0, 4.0, 80.0, 1, latency, groups, (), reasons)


def missed(found: Outcome) -> list[str]:
    return [objective.figure for objective, _, kept in found.judgement() if not kept]


@pytest.mark.parametrize(
    ("found", "figures"),
    [
        (outcome(), []),
        (outcome(failures=1), ["failure ratio"]),
        (outcome(microseconds=250_000), ["p95 ms"]),
        (outcome(requests=39), ["requests/s"]),
        (outcome(requests=0), ["p95 ms", "requests/s", "failure ratio"]),
    ],
)
def test_each_objective_can_be_missed(found: Outcome, figures: list[str]) -> None:
    """By one figure each; of no request nothing is kept."""
    assert missed(found) == figures
    assert found.kept == (not figures)


def test_the_verdict_names_what_was_missed_and_why() -> None:
    """For a person at a terminal."""
    lines = verdict(outcome(failures=3)).splitlines()
    assert lines[0] == "profile baseline, short: 100 requests in 4.0 s, 3 failures"
    assert lines[-2].split() == ["failure", "ratio", "at", "most", "0", "0.03", "MISSED"]
    assert lines[-1] == "3 x bird: expected status 200, found 503"


def test_a_line_over_time_has_few_points_and_all_requests() -> None:
    """Seconds without any are there, too."""
    seconds = {second: outcome(requests=2).latency for second in range(0, 300, 2)}
    found = points(seconds, {0: 1, 299: 10})
    assert len(found) <= POINTS
    assert sum(point.requests for point in found) == 300
    assert [point.second for point in found] == list(range(0, 299, 5))
    assert points({}, {}) == ()
    assert points({1: outcome(requests=1).latency}, {0: 7})[0].users == 7


def test_nothing_is_recorded_before_the_warm_up_has_ended() -> None:
    """Nor kept of it, nor of the run before."""
    recorder = Recorder()
    recorder.record("bird", 1.0, "")
    assert recorder.take() == Recording()
    recorder.begin()
    recorder.record("bird", 1.5, "wrong")
    taken = recorder.take()
    assert taken.latencies["bird"].highest_us == 1_500
    assert taken.failures == {"bird": 1}
    assert recorder.take() == Recording()
    recorder.clear()
    recorder.record("bird", 1.0, "")
    assert recorder.take() == Recording()


def test_recordings_of_processes_add_up() -> None:
    """As they travel between them; of very many different reasons the last are counted together."""
    total, whole = Recording(), Recording()
    for number in range(3 * MOST_REASONS):
        part = Recording()
        for one in (part, whole):
            one.add(f"bird {number % 2}", number % 5, number, f"reason {number}")
        travelled = msgspec.to_builtins(part, str_keys=True)
        total.merge(msgspec.convert(travelled, Recording, strict=False))
    assert total == whole
    assert sum(total.reasons.values()) == 3 * MOST_REASONS
    assert len(total.reasons) == MOST_REASONS + 1
