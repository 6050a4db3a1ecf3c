"""Gates: figures of counters, and decisions from figures."""

import random

import msgspec
import pytest

from contract.refusal import Refusal
from deploy.canary.figures import NOTHING, CounterTotals, Figures, between
from deploy.canary.gates import Gate, StepFigures, gates, most_harmed, read_errors, read_latency, read_species
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
        "gentoo": 'penguins_predictions_total{species="Gentoo"} %d',
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
    tally.add(page(answered=110, failed=3, gentoo=9, health=50, agree=4, disagree=1, dropped=9))
    tally.add(page(answered=5, failed=3, gentoo=10))  # answered began anew
    found = between(before, tally.total())
    assert (found.requests, found.errors, found.answered, found.species) == (17, 2, 15, (3, 0, 0))
    assert (found.compared, found.disagreed, found.bounds) == (5, 1, (0.001, INFINITE))


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
        NOTHING, requests=10**5, species=(10**5, 0, 0), bounds=(0.001, INFINITE), cumulative=(10**5, 10**5)
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


def test_species_are_compared() -> None:
    """Equal shares of species pass, and different shares do not."""
    old = msgspec.structs.replace(NOTHING, species=(40_000, 20_000, 40_000))
    alike = msgspec.structs.replace(NOTHING, species=(410, 190, 400))
    other = msgspec.structs.replace(NOTHING, species=(500, 100, 400))
    assert read_species(PLAN, 1, StepFigures(alike, old, old)).probability > PLAN.risk
    assert read_species(PLAN, 1, StepFigures(other, old, old)).probability < PLAN.risk


def test_the_bound_of_harm_is_the_largest_number_of_samples() -> None:
    """The bound of harm is the largest number of samples of any gate of the step."""
    assert most_harmed(PLAN, 5, NOTHING) == max(
        read(PLAN, 5, StepFigures(NOTHING, NOTHING, NOTHING)).needed
        for read in (read_errors, read_latency, read_species)
    )


@pytest.mark.long
def test_odds_hold_what_the_plan_states() -> None:
    """Simulated canaries have few false alarms and find the stated effects."""
    plan = CanaryPlan(false_alarms=0.04, errors=0.05, slower=0.1, species=0.2, disagreement_effect=0.15)
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
