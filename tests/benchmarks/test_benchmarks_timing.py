import gc

import pytest

from benchmarks.plan import Effort
from benchmarks.results import Cell, Timing, closest, per_row, ratio
from benchmarks.timing import MOST_CALLS, Clock, Starter, race


class FakeTime:
    """A clock that only work moves on; the wall's runs twice as fast as the processor's."""

    def __init__(self) -> None:
        self.now = 0
        self.log: list[tuple[str, int]] = []
        self.clock = Clock(wall=lambda: 2 * self.now, cpu=lambda: self.now)

    def work(self, name: str, microseconds: int, inputs: int = 1) -> Starter:
        """A call that takes that long on the wall, half of it the processor's."""

        def call(value: object) -> None:
            assert isinstance(value, int)
            self.now += microseconds * 500
            self.log.append((name, value))

        return Starter(call, range(inputs), microseconds)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def test_contenders_take_turns(time: FakeTime) -> None:
    """A B C A B C, whatever each takes."""
    starters = {name: time.work(name, 5_000 * (place + 1)) for place, name in enumerate("ABC")}
    race(starters, Effort(seconds=0, least_rounds=3, most_rounds=9), time.clock)
    assert "".join(name for name, _ in time.log) == "ABC" * 3


def test_a_turn_is_as_many_calls_as_fill_it(time: FakeTime) -> None:
    """Quick calls are repeated, slow ones are not; times are of one call, by both clocks, in microseconds."""
    starters = {"quick": time.work("quick", 2), "slow": time.work("slow", 18_000)}
    timings = race(starters, Effort(seconds=0, least_rounds=2, most_rounds=2), time.clock)
    assert timings["quick"] == Timing(2_500, wall_us=(2.0, 2.0), cpu_us=(1.0, 1.0))
    assert timings["slow"] == Timing(1, wall_us=(18_000.0, 18_000.0), cpu_us=(9_000.0, 9_000.0))


def test_a_call_that_takes_no_time_is_not_repeated_for_ever(time: FakeTime) -> None:
    """A coarse clock may say 0."""
    timings = race({"nothing": time.work("nothing", 0)}, Effort(0, 1, 1), time.clock)
    assert timings["nothing"].calls == MOST_CALLS


def test_inputs_go_round(time: FakeTime) -> None:
    """A turn goes on where the last one ended, so no row comes twice in a row."""
    race({"A": time.work("A", 2_500, inputs=3)}, Effort(0, 4, 4), time.clock)
    assert [value for _, value in time.log] == [0, 1, 2, 0, 1, 2, 0, 1]


def test_rounds_end_with_the_time_or_the_count(time: FakeTime) -> None:
    """The least number of rounds comes first, whatever they take."""
    work = {"A": time.work("A", 100_000)}
    assert len(race(work, Effort(0.45, 2, 99), time.clock)["A"].wall_us) == 5
    assert len(race(work, Effort(0.0, 7, 99), time.clock)["A"].wall_us) == 7
    assert len(race(work, Effort(99.0, 2, 4), time.clock)["A"].wall_us) == 4


def test_garbage_waits_for_the_end_of_the_race(time: FakeTime) -> None:
    """And is collected again afterwards, even where a contender fails."""

    def fail(_: object) -> None:
        assert not gc.isenabled()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        race({"A": Starter(fail, [0], 1)}, Effort(0, 1, 1), time.clock)
    assert gc.isenabled()


def test_a_ratio_compares_within_a_round() -> None:
    """A slow moment of the machine slows both, and leaves the ratio alone; a lonely outlier does not count."""
    ours, theirs = (1.0, 10.0, 1.0, 1.0, 2.0), (3.0, 30.0, 3.0, 99.0, 6.0)
    timings = {"ours": Timing(1, ours, ours), "theirs": Timing(1, theirs, theirs), "other": Timing(1, ours, ours)}
    cell = Cell("model", "2", 2, timings)
    assert ratio(cell, "theirs", "ours") == 3
    assert (per_row(cell, "ours"), per_row(cell, "theirs")) == (0.5, 3.0)
    assert closest(cell, "ours") == (1.0, "other")
    assert closest(Cell("model", "2", 2, {"ours": timings["ours"]}), "ours") is None
