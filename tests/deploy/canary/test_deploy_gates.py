"""Gates: figures of counters, and decisions from figures."""

import random

import msgspec
import pytest

from contract.refusal import Refusal
from deploy.canary.figures import NOTHING, Figures, between
from deploy.canary.front import FrontFigures
from deploy.canary.gates import (
    READERS,
    Gate,
    Reading,
    StepFigures,
    gates,
    most_harmed,
    read_classes,
    read_errors,
    read_failures,
    read_latency,
)
from deploy.canary.odds import binomial, expected, odds, table, usual
from deploy.canary.plan import CanaryPlan, checked
from deploy.canary.scrape import Samples, read_counters
from deploy.canary.totals import CounterTotals

PLAN = CanaryPlan()
INFINITE = float("inf")
DURATION = "http_server_request_duration_seconds"


def page(**numbers: int) -> Samples:
    """Make a page of metrics with these counts."""
    route = 'http_request_method="POST",http_route="/predict",http_response_status_code='
    lines = {
        "answered": (
            f'{DURATION}_bucket{{{route}"200",le="0.001"}} %d\n{DURATION}_bucket{{{route}"200",le="+Inf"}} %d\n'
            f'{DURATION}_count{{{route}"200"}} %d'
        ),
        "failed": f'{DURATION}_count{{{route}"503"}} %d',
        "refused": f'{DURATION}_count{{{route}"422"}} %d',
        "health": f'{DURATION}_count{{http_request_method="GET",http_route="/health/live",'
        'http_response_status_code="503"} %d',
        "gentoo": 'penguins_predictions_total{version="1",species="Gentoo"} %d',
        "newer": 'penguins_predictions_total{version="2",species="Gentoo"} %d',
        "adelie": 'penguins_predictions_total{species="Adelie",revision_name="penguins-one",job="p"} %d',
        "number": 'penguins_predictions_total{version="1"} %d',
        "golden": f'{DURATION}_count{{http_request_method="POST",http_route="/v2/models/gull/versions/1/infer",'
        'http_response_status_code="503"} %d',
        "agree": 'penguins_challenger_comparisons_total{result="agree"} %d',
        "disagree": 'penguins_challenger_comparisons_total{result="disagree"} %d',
        "dropped": 'penguins_challenger_comparisons_total{result="dropped"} %d',
    }
    text = "\n".join(lines[name].replace("%d", str(number)) for name, number in numbers.items())
    return read_counters(f"# TYPE x counter\nprocess_cpu_seconds_total 1.5\n{text}\n", "here")


def test_figures_are_of_what_came_between() -> None:
    """Figures count what came between two pages, without health checks and dropped comparisons."""
    tally = CounterTotals()
    tally.add(page(answered=100, failed=1, gentoo=7), 0)
    before = tally.total()
    more = page(answered=110, failed=3, refused=4, gentoo=9, health=50, golden=50, agree=4, disagree=1, dropped=9)
    tally.add(more, 1)
    tally.add(page(answered=5, failed=3, gentoo=10), 2)  # answered began anew
    found = between(before, tally.total(), "species")
    assert (found.requests, found.failures, found.errors) == (21, 2, 4)
    assert (found.answered, found.classes) == (15, {"Gentoo": 3})
    assert (found.compared, found.disagreed, found.bounds) == (5, 1, (0.001, INFINITE))


def test_classes_are_those_of_the_contract_s_label() -> None:
    """A class is counted over all versions. Labels that a server adds, or that another contract names, are no class."""
    counted = page(gentoo=7, newer=2, adelie=5)
    assert between({}, counted, "species").classes == {"Gentoo": 9, "Adelie": 5}
    assert between({}, counted, "class").classes == {}
    assert between({}, counted, "").classes == {}


def test_numbers_have_no_classes() -> None:
    """The gate of the classes waits for the first answer, and is absent if the answers are numbers."""
    found = between({}, page(answered=100, number=100), "")
    assert (found.answered, found.classes) == (100, {})
    gate = Gate(read_classes, PLAN, 1)
    assert gate.look(StepFigures(NOTHING, NOTHING, NOTHING)) == "waiting"
    assert gate.look(StepFigures(found, found, found)) == "absent"


def test_there_may_be_no_challenger() -> None:
    """The gate of the challenger is absent if there is none."""
    states = [gate.look(StepFigures(NOTHING, NOTHING, NOTHING)) for gate in gates(PLAN, 1)]
    assert states == ["waiting", "absent", "waiting", "waiting", "waiting", "absent"]


def figures(requests: int, failures: int = 0) -> Figures:
    return msgspec.structs.replace(NOTHING, requests=requests, failures=failures)


def test_a_gate_looks_a_few_times_and_never_without_samples() -> None:
    """A gate looks a few times, only with new samples, and early if the result is clear."""
    needed = read_failures(PLAN, 1, StepFigures(NOTHING, NOTHING, NOTHING)).needed
    old = figures(10**6, 1000)
    gate = Gate(read_failures, PLAN, 1)
    assert gate.look(StepFigures(figures(needed // 8 - 1, needed // 8 - 1), old, old)) == "waiting"
    assert gate.look(StepFigures(figures(needed // 8 + 1, 0), old, old)) == "waiting"
    assert gate.look(StepFigures(figures(needed // 8 + 9, 40), old, old)) == "waiting"  # it has looked there
    assert gate.look(StepFigures(figures(needed // 4 + 1, 40), old, old)) == "failed"
    assert Gate(read_failures, PLAN, 1).look(StepFigures(figures(needed), old, old)) == "passed"


def test_without_the_old_revision_nothing_is_enough() -> None:
    """A gate never passes without samples of the old revision."""
    many = msgspec.structs.replace(
        NOTHING, requests=10**5, classes={"a": 10**5}, bounds=(0.001, INFINITE), cumulative=(10**5, 10**5)
    )
    for gate in gates(PLAN, 1)[:5]:
        seen = StepFigures(many, NOTHING, NOTHING, new_front=FrontFigures(10**5, 0), old_front=FrontFigures(0, 0))
        assert gate.look(seen) == "waiting"
        assert gate.reading is not None
        assert gate.reading.samples == 0


def test_latency_has_a_tolerance() -> None:
    """Twice the old revision's percentile passes, and a slower one does not."""
    bounds = (0.001, 0.0025, 0.005, INFINITE)
    old = msgspec.structs.replace(NOTHING, bounds=bounds, cumulative=(50_000, 50_000, 50_000, 50_000))
    twice = msgspec.structs.replace(NOTHING, bounds=bounds, cumulative=(0, 1000, 1000, 1000))
    more = msgspec.structs.replace(NOTHING, bounds=bounds, cumulative=(0, 900, 1000, 1000))
    assert read_latency(PLAN, 1, StepFigures(twice, old, old)).probability > PLAN.risk
    reading = read_latency(PLAN, 1, StepFigures(more, old, old))
    assert reading.probability < PLAN.risk
    assert reading.summary == "100 of 1000 predictions took longer than 2 ms"


def classes_read(**new: int) -> Reading:
    """Read these answers of a new revision beside an old one that answered a, b, c."""
    old = msgspec.structs.replace(NOTHING, classes={"a": 40_000, "b": 20_000, "c": 40_000})
    found = read_classes(PLAN, 1, StepFigures(msgspec.structs.replace(NOTHING, classes=new), old, old))
    assert found is not None
    return found


def test_classes_are_compared() -> None:
    """Equal shares of classes pass. Different shares, and a class that only one revision answers, do not."""
    alike = classes_read(c=400, b=190, a=410)
    assert alike.probability > PLAN.risk
    assert alike.summary == "new (old): a 410 (40000), b 190 (20000), c 400 (40000)"
    assert classes_read(a=500, b=100, c=400).probability < PLAN.risk
    assert classes_read(a=600, c=400).probability < PLAN.risk
    assert classes_read(a=360, b=180, c=360, d=100).probability < PLAN.risk


def test_more_classes_need_samples_for_the_rarer_ones() -> None:
    """Two classes, and a hundred, have a number of samples. So has the one class of a model that knows no other."""
    for count in (1, 2, 3, 100):
        some = msgspec.structs.replace(NOTHING, classes={str(number): 9 for number in range(count)})
        found = read_classes(PLAN, 1, StepFigures(some, some, some))
        assert found is not None
        assert found.needed > 0


def test_the_bound_of_harm_is_the_largest_number_of_samples() -> None:
    """The bound of harm is the largest number of samples of any gate of the step."""
    found = [read(PLAN, 5, StepFigures()) for read in READERS]
    assert most_harmed(PLAN, 5) == max(reading.needed for reading in found if reading)


@pytest.mark.long
def test_odds_hold_what_the_plan_states() -> None:
    """Simulated canaries have few false alarms and find the stated effects."""
    plan = CanaryPlan(false_alarms=0.04, failures=0.05, errors=0.08, slower=0.1, classes=0.2, disagreement_effect=0.15)
    found = odds(plan, 200, (0, 0.06))
    for mix in (0, 0.06):
        rows = [each for each in found if each.mix in (0, mix)]
        assert sum(each.false_alarms for each in rows) <= 0.04 + 0.05  # three standard deviations of the simulation
    for each in found:
        assert each.found_first >= plan.power - 0.07, each
        assert each.found >= plan.power
    assert "| failures | 6% |" in table(plan, found, 200)


def test_failures_do_not_hide_among_clients_errors() -> None:
    """Two in a hundred more 5xx are found beside 5.9 % of 4xx, with the samples that the plan states."""
    earlier = expected(usual(PLAN, 0.059), 5000)
    needed = read_failures(PLAN, 5, StepFigures(earlier=earlier)).needed
    old = msgspec.structs.replace(NOTHING, requests=19 * needed, errors=round(19 * needed * 0.059))
    worse = msgspec.structs.replace(
        NOTHING, requests=needed, errors=round(needed * 0.059), failures=round(needed * 0.021)
    )
    assert Gate(read_failures, PLAN, 5).look(StepFigures(worse, old, old, earlier)) == "failed"
    assert Gate(read_errors, PLAN, 5).look(StepFigures(worse, old, old, earlier)) != "failed"


def test_sizes_are_those_of_the_measured_rate() -> None:
    """More clients' errors need more samples, and the figures of the step itself change nothing."""
    needed = [read_errors(PLAN, 5, StepFigures(earlier=expected(usual(PLAN, mix), 5000))).needed for mix in (0, 0.06)]
    assert needed[1] > 3 * needed[0]
    noisy = msgspec.structs.replace(NOTHING, requests=5000, errors=900)
    assert read_errors(PLAN, 5, StepFigures(noisy, noisy, noisy)).needed == read_errors(PLAN, 5, StepFigures()).needed


def test_the_front_sees_what_no_process_counted() -> None:
    """A revision that dies has no failures of its own, and fails the gate of the front end."""
    none, many = figures(900), figures(90_000)
    seen = StepFigures(none, many, many, many, FrontFigures(970, 70), FrontFigures(90_000, 0))
    states = {gate.reading.gate: state for gate in gates(PLAN, 1) if (state := gate.look(seen)) and gate.reading}
    assert (states["failures"], states["front"]) == ("passed", "failed")


def test_latency_is_the_front_s_where_it_has_it() -> None:
    """Durations of the front end are tested if there are any, and the service's own otherwise."""
    fast = msgspec.structs.replace(NOTHING, bounds=(0.001, INFINITE), cumulative=(50_000, 50_000))
    slow = FrontFigures(1000, 0, (0.001, 0.01, INFINITE), (0, 500, 1000))
    old = FrontFigures(50_000, 0, (0.001, 0.01, INFINITE), (50_000, 50_000, 50_000))
    seen = StepFigures(fast, fast, fast, new_front=slow, old_front=old, front_history=old)
    assert read_latency(PLAN, 1, seen).summary == "500 of 1000 answers at the front end took longer than 2 ms"
    plain = FrontFigures(1000, 0)
    seen = StepFigures(fast, fast, fast, new_front=plain, old_front=plain, front_history=plain)
    assert "predictions took longer" in read_latency(PLAN, 1, seen).summary


def test_binomial_numbers_are_binomial() -> None:
    """Drawn numbers have the mean and variance of the binomial distribution."""
    dice = random.Random(7)  # noqa: S311
    for n, p in ((10, 0.3), (1000, 0.01), (100_000, 0.999)):
        draws = [binomial(n, p, dice) for _ in range(4000)]
        mean = sum(draws) / len(draws)
        variance = sum((draw - mean) ** 2 for draw in draws) / len(draws)
        assert mean == pytest.approx(n * p, abs=5 * (n * p * (1 - p) / len(draws)) ** 0.5)
        assert variance == pytest.approx(n * p * (1 - p), rel=0.15)


@pytest.mark.parametrize("steps", [(), (100,), (5, 1, 100), (1, 1, 100), (1, 50)])
def test_steps_rise_to_everything(steps: tuple[int, ...]) -> None:
    """Steps that do not rise to 100 % are refused."""
    with pytest.raises(Refusal, match="rising shares"):
        checked(CanaryPlan(steps=steps))


def test_an_effect_is_of_a_part() -> None:
    """An effect larger than all requests is refused."""
    with pytest.raises(Refusal, match=r"--slower: expected less than 0.99"):
        checked(CanaryPlan(slower=0.995))
