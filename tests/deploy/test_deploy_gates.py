"""What gates make of figures, and figures of counters."""

import random

import msgspec
import pytest

from contract.refusal import Refusal
from deploy.figures import NOTHING, Figures, Tally, between
from deploy.gates import Evidence, Gate, gates, most_harmed, read_errors, read_latency, read_species
from deploy.odds import binomial, odds, table
from deploy.plan import Plan, checked
from deploy.scrape import Samples, parse_page

PLAN = Plan()
INFINITE = float("inf")
DURATION = "http_server_request_duration_seconds"


def page(**numbers: int) -> Samples:
    """A page of metrics with these counts."""
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
    return parse_page(f"# TYPE x counter\nprocess_cpu_seconds_total 1.5\n{text}\n", "here")


def test_figures_are_of_what_came_between() -> None:
    """Health checks are no requests, dropped comparisons no comparisons; a restart loses nothing but what it forgot."""
    tally = Tally()
    tally.add(page(answered=100, failed=1, gentoo=7))
    before = tally.total()
    tally.add(page(answered=110, failed=3, gentoo=9, health=50, agree=4, disagree=1, dropped=9))
    tally.add(page(answered=5, failed=3, gentoo=10))  # answered began anew
    found = between(before, tally.total())
    assert (found.requests, found.errors, found.answered, found.species) == (17, 2, 15, (3, 0, 0))
    assert (found.compared, found.disagreed, found.bounds) == (5, 1, (0.001, INFINITE))


def test_there_may_be_no_challenger() -> None:
    """Then its gate is absent."""
    states = [gate.look(Evidence(NOTHING, NOTHING, NOTHING)) for gate in gates(PLAN, 1)]
    assert states == ["waiting", "waiting", "waiting", "absent"]


def figures(requests: int, errors: int = 0) -> Figures:
    return msgspec.structs.replace(NOTHING, requests=requests, errors=errors)


def test_a_gate_looks_a_few_times_and_never_without_samples() -> None:
    """One request more between two looks is no look; what is clear at an eighth of the samples is not waited for."""
    needed = read_errors(PLAN, 1, Evidence(NOTHING, NOTHING, NOTHING)).needed
    old = figures(10**6, 1000)
    gate = Gate(read_errors, PLAN, 1)
    assert gate.look(Evidence(figures(needed // 8 - 1, needed // 8 - 1), old, old)) == "waiting"
    assert gate.look(Evidence(figures(needed // 8 + 1, 0), old, old)) == "waiting"
    assert gate.look(Evidence(figures(needed // 8 + 9, 40), old, old)) == "waiting"  # it has looked there
    assert gate.look(Evidence(figures(needed // 4 + 1, 40), old, old)) == "failed"
    assert Gate(read_errors, PLAN, 1).look(Evidence(figures(needed), old, old)) == "passed"


def test_without_the_old_revision_nothing_is_enough() -> None:
    """However many the new one has: there is nothing to compare with."""
    many = msgspec.structs.replace(
        NOTHING, requests=10**5, species=(10**5, 0, 0), bounds=(0.001, INFINITE), cumulative=(10**5, 10**5)
    )
    for gate in gates(PLAN, 1)[:3]:
        assert gate.look(Evidence(many, NOTHING, NOTHING)) == "waiting"
        assert gate.reading
        assert gate.reading.samples == 0


def test_latency_has_a_tolerance() -> None:
    """As slow as twice the old revision's percentile is well, slower is not."""
    bounds = (0.001, 0.0025, 0.005, INFINITE)
    old = msgspec.structs.replace(NOTHING, bounds=bounds, cumulative=(50_000, 50_000, 50_000, 50_000))
    twice = msgspec.structs.replace(NOTHING, bounds=bounds, cumulative=(0, 1000, 1000, 1000))
    more = msgspec.structs.replace(NOTHING, bounds=bounds, cumulative=(0, 900, 1000, 1000))
    assert read_latency(PLAN, 1, Evidence(twice, old, old)).probability > PLAN.risk
    reading = read_latency(PLAN, 1, Evidence(more, old, old))
    assert reading.probability < PLAN.risk
    assert reading.said == "100 of 1000 predictions took longer than 2 ms"


def test_species_are_compared() -> None:
    """The same shares are well, others are not."""
    old = msgspec.structs.replace(NOTHING, species=(40_000, 20_000, 40_000))
    alike = msgspec.structs.replace(NOTHING, species=(410, 190, 400))
    other = msgspec.structs.replace(NOTHING, species=(500, 100, 400))
    assert read_species(PLAN, 1, Evidence(alike, old, old)).probability > PLAN.risk
    assert read_species(PLAN, 1, Evidence(other, old, old)).probability < PLAN.risk


def test_the_bound_of_harm_is_the_largest_number_of_samples() -> None:
    """Of any gate of that step."""
    readings = [gate.look(Evidence(NOTHING, NOTHING, NOTHING)) for gate in gates(PLAN, 5)]
    assert readings
    assert most_harmed(PLAN, 5, NOTHING) == max(
        read(PLAN, 5, Evidence(NOTHING, NOTHING, NOTHING)).needed for read in (read_errors, read_latency, read_species)
    )


def test_odds_hold_what_the_plan_states() -> None:
    """By simulation through the same gates: few false alarms; what is worse by the stated effect is found."""
    plan = Plan(false_alarms=0.04, errors=0.05, slower=0.1, species=0.2, disagreement_effect=0.15)
    found = odds(plan, 200)
    assert sum(each.false_alarms for each in found) <= 0.04 + 0.03  # three standard deviations of the simulation
    for each in found:
        assert each.found_first >= plan.power - 0.07
        assert each.found >= plan.power
    assert "| errors |" in table(plan, found, 200)


def test_binomial_numbers_are_binomial() -> None:
    """Mean and variance of many draws, small and large."""
    dice = random.Random(7)  # noqa: S311
    for n, p in ((10, 0.3), (1000, 0.01), (100_000, 0.999)):
        draws = [binomial(n, p, dice) for _ in range(4000)]
        mean = sum(draws) / len(draws)
        variance = sum((draw - mean) ** 2 for draw in draws) / len(draws)
        assert mean == pytest.approx(n * p, abs=5 * (n * p * (1 - p) / len(draws)) ** 0.5)
        assert variance == pytest.approx(n * p * (1 - p), rel=0.15)


@pytest.mark.parametrize("steps", [(), (100,), (5, 1, 100), (1, 1, 100), (1, 50)])
def test_steps_rise_to_everything(steps: tuple[int, ...]) -> None:
    """Or they are refused."""
    with pytest.raises(Refusal, match="rising shares"):
        checked(Plan(steps=steps))


def test_an_effect_is_of_a_part() -> None:
    """Not of more than all requests."""
    with pytest.raises(Refusal, match=r"--slower: expected less than 0.99"):
        checked(Plan(slower=0.995))
