"""Gates: figures of counters, and decisions from figures."""

import random

import msgspec
import pytest

from contract.refusal import Refusal
from deploy.canary.figures import NOTHING, CounterTotals, Figures, between
from deploy.canary.gates import Gate, Reading, StepFigures, gates, most_harmed, read_classes, read_errors, read_latency
from deploy.canary.odds import binomial, odds, table
from deploy.canary.plan import CanaryPlan, checked
from deploy.canary.scrape import Samples, read_counters

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
    tally.add(page(answered=100, failed=1, gentoo=7))
    before = tally.total()
    tally.add(page(answered=110, failed=3, gentoo=9, health=50, golden=50, agree=4, disagree=1, dropped=9))
    tally.add(page(answered=5, failed=3, gentoo=10))  # answered began anew
    found = between(before, tally.total(), "species")
    assert (found.requests, found.errors, found.answered, found.classes) == (17, 2, 15, {"Gentoo": 3})
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
    assert states == ["waiting", "waiting", "waiting", "absent"]


def figures(requests: int, errors: int = 0) -> Figures:
    return msgspec.structs.replace(NOTHING, requests=requests, errors=errors)


def test_a_gate_looks_a_few_times_and_never_without_samples() -> None:
    """A gate looks a few times, only with new samples, and early if the result is clear."""
    needed = read_errors(PLAN, 1, StepFigures(NOTHING, NOTHING, NOTHING)).needed
    old = figures(10**6, 1000)
    gate = Gate(read_errors, PLAN, 1)
    assert gate.look(StepFigures(figures(needed // 8 - 1, needed // 8 - 1), old, old)) == "waiting"
    assert gate.look(StepFigures(figures(needed // 8 + 1, 0), old, old)) == "waiting"
    assert gate.look(StepFigures(figures(needed // 8 + 9, 40), old, old)) == "waiting"  # it has looked there
    assert gate.look(StepFigures(figures(needed // 4 + 1, 40), old, old)) == "failed"
    assert Gate(read_errors, PLAN, 1).look(StepFigures(figures(needed), old, old)) == "passed"


def test_without_the_old_revision_nothing_is_enough() -> None:
    """A gate never passes without samples of the old revision."""
    many = msgspec.structs.replace(
        NOTHING, requests=10**5, classes={"a": 10**5}, bounds=(0.001, INFINITE), cumulative=(10**5, 10**5)
    )
    for gate in gates(PLAN, 1)[:3]:
        assert gate.look(StepFigures(many, NOTHING, NOTHING)) == "waiting"
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
    found = [
        read(PLAN, 5, StepFigures(NOTHING, NOTHING, NOTHING)) for read in (read_errors, read_latency, read_classes)
    ]
    assert most_harmed(PLAN, 5, NOTHING) == max(reading.needed for reading in found if reading)


@pytest.mark.long
def test_odds_hold_what_the_plan_states() -> None:
    """Simulated canaries have few false alarms and find the stated effects."""
    plan = CanaryPlan(false_alarms=0.04, errors=0.05, slower=0.1, classes=0.2, disagreement_effect=0.15)
    found = odds(plan, 200)
    assert sum(each.false_alarms for each in found) <= 0.04 + 0.03  # three standard deviations of the simulation
    for each in found:
        assert each.found_first >= plan.power - 0.07
        assert each.found >= plan.power
    assert "| errors |" in table(plan, found, 200)


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
