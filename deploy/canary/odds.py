"""How often a canary is wrong: thousands of simulated canaries with random counts pass through the real gates."""

import random
from collections.abc import Callable
from math import ceil, inf

import msgspec

from deploy.canary.figures import NOTHING, Figures
from deploy.canary.front import FrontFigures
from deploy.canary.gates import READERS, Gate, Reading, StepFigures
from deploy.canary.plan import GATES, LOOKS, CanaryPlan

SEED = 20261124
BOUNDS = (0.001, 0.0025, inf)  # s
CLASSES = ("a", "b", "c")  # of the simulated model
MIXES = (0.0, 0.03, 0.06)  # shares of requests that get a 4xx from either revision
MIXED = ("failures", "front", "errors")  # gates that a mix can hide something from
MEASURED = 5000  # requests of the old revision before the canary


class World(msgspec.Struct, frozen=True):
    """What a revision really does, as shares of requests."""

    failures: float
    errors: float
    slow: float  # the share of requests slower than the middle bound
    classes: tuple[float, ...]
    disagreed: float


class Odds(msgspec.Struct, frozen=True):
    """How often one gate stops, as shares of the simulated canaries, if `mix` of the requests get a 4xx anyway.

    `false_alarms` are canaries that were stopped although the revision is as good. With a revision that is worse by the
    stated effect, `found_first` were stopped at the first step, and `found` at any step.
    """

    gate: str
    mix: float
    needed: tuple[int, ...]  # at each step
    false_alarms: float
    found_first: float
    found: float


def usual(plan: CanaryPlan, mix: float = 0) -> World:
    """Return a revision that is only just good enough. `mix` is the share of requests that get a 4xx."""
    return World(plan.usual, mix, 0.002, (1 / len(CLASSES),) * len(CLASSES), plan.disagreement)


def worse(plan: CanaryPlan, mix: float = 0) -> World:
    """Return a revision that is worse by the stated effects."""
    good = usual(plan, mix)
    shares = (good.classes[0] + plan.classes, good.classes[1] - plan.classes, *good.classes[2:])
    failures, errors = good.failures + plan.failures, good.errors + plan.errors
    return World(failures, errors, 0.01 + plan.slower, shares, good.disagreed + plan.disagreement_effect)


def odds(plan: CanaryPlan, canaries: int, mixes: tuple[float, ...] = MIXES, seed: int = SEED) -> list[Odds]:
    """Return the odds of every gate. Those that depend on it are simulated with each mix of clients' errors."""
    dice = random.Random(seed)  # noqa: S311  # no secret
    found = []
    for gate, read in zip(GATES, READERS, strict=True):
        for mix in mixes if gate in MIXED else mixes[:1]:
            good, bad = usual(plan, mix), worse(plan, mix)
            alarms = [_stopped(plan, read, good, good, dice) for _ in range(canaries)]
            stops = [_stopped(plan, read, good, bad, dice) for _ in range(canaries)]
            needed = tuple(_needed(plan, read, step, expected(good, MEASURED)) for step in plan.gated)
            parts = (sum(step is not None for step in alarms), stops.count(plan.gated[0]))
            any_step = sum(step is not None for step in stops)
            found.append(Odds(gate, mix, needed, *(part / canaries for part in (*parts, any_step))))
    return found


Read = Callable[[CanaryPlan, float, StepFigures], Reading | None]


def expected(truth: World, requests: int) -> Figures:
    """Return the figures of that many requests as they are on average."""
    failures, errors = round(requests * truth.failures), round(requests * truth.errors)
    return msgspec.structs.replace(NOTHING, requests=requests, failures=failures, errors=errors, compared=0)


def _needed(plan: CanaryPlan, read: Read, share: float, earlier: Figures) -> int:
    none, no_front = msgspec.structs.replace(NOTHING, compared=0), FrontFigures(0, 0)
    reading = read(plan, share, StepFigures(none, none, none, earlier, no_front, no_front))
    assert reading
    return reading.needed


def _stopped(plan: CanaryPlan, read: Read, good: World, truth: World, dice: random.Random) -> int | None:
    """Return the step at which one simulated canary was stopped, or None.

    The old revision is `good`, the new one is `truth`.
    """
    history, earlier = NOTHING, draw(good, MEASURED, dice)
    for step in plan.gated:
        gate, needed = Gate(read, plan, step), _needed(plan, read, step, earlier)
        new = old = NOTHING
        for before, look in zip((0.0, *LOOKS), LOOKS, strict=False):
            more = ceil(needed * look) - ceil(needed * before)
            beside = draw(good, ceil(more * (100 - step) / step), dice)
            new, old, history = add(new, draw(truth, more, dice)), add(old, beside), add(history, beside)
            if gate.look(StepFigures(new, old, history, earlier, _front(new), _front(old))) == "failed":
                return step
        earlier = add(earlier, old)
    return None


def _front(counted: Figures) -> FrontFigures:
    """Return what a front end counts of this. It keeps no durations."""
    return FrontFigures(counted.requests, counted.failures)


def draw(truth: World, requests: int, dice: random.Random) -> Figures:
    """Return random figures of `requests` requests to such a revision."""
    slow = binomial(requests, truth.slow, dice)
    counts, left, share = [], requests, 1.0
    for part in truth.classes[:-1]:
        counts.append(binomial(left, min(1.0, part / share), dice))
        left, share = left - counts[-1], share - part
    return Figures(
        requests=requests,
        failures=(failures := binomial(requests, truth.failures, dice)),
        errors=binomial(requests - failures, min(1.0, truth.errors / (1 - truth.failures)), dice),
        bounds=BOUNDS,
        cumulative=(requests - slow - binomial(requests - slow, 0.002, dice), requests - slow, requests),
        classes=dict(zip(CLASSES, (*counts, left), strict=True)),
        compared=requests,
        disagreed=binomial(requests, truth.disagreed, dice),
    )


def binomial(n: int, p: float, dice: random.Random) -> int:
    """Return a random number of successes in n trials, drawn exactly.

    The median of n uniform numbers is beta-distributed. Drawing it halves the remaining trials (Devroye, Non-Uniform
    Random Variate Generation, section X.4.3, after Relles).
    """
    successes = 0
    while n > 16 and 0 < p < 1:
        middle = n // 2 + 1
        at = dice.betavariate(middle, n + 1 - middle)
        if at >= p:
            n, p = middle - 1, p / at
        else:
            successes, n, p = successes + middle, n - middle, (p - at) / (1 - at)
    return successes + sum(dice.random() < p for _ in range(n))


def add(a: Figures, b: Figures) -> Figures:
    """Return the sum of two figures. NOTHING has other buckets and counts nothing."""
    cumulative = tuple(map(sum, zip(a.cumulative, b.cumulative, strict=True))) if len(a.bounds) > 1 else b.cumulative
    return Figures(
        requests=a.requests + b.requests,
        failures=a.failures + b.failures,
        errors=a.errors + b.errors,
        bounds=b.bounds,
        cumulative=cumulative,
        classes={name: a.classes.get(name, 0) + count for name, count in b.classes.items()},
        compared=(a.compared or 0) + (b.compared or 0),
        disagreed=a.disagreed + b.disagreed,
    )


def table(plan: CanaryPlan, found: list[Odds], canaries: int) -> str:
    """Return the odds as a Markdown table."""
    steps = ", ".join(map(str, plan.gated))
    worst = sum(max(each.false_alarms for each in found if each.gate == gate) for gate in GATES)
    lines = [
        f"{canaries} canaries of each kind; false alarms in all: {worst:.2%}, bound {plan.false_alarms:.2%}.",
        "",
        f"| gate | 4xx anyway | samples of the new revision at {steps} % | false alarms | found at first | at any |",
        "| --- | --: | --- | --: | --: | --: |",
    ]
    for each in found:
        needed = ", ".join(map(str, each.needed))
        parts = f"{each.false_alarms:.2%} | {each.found_first:.1%} | {each.found:.1%}"
        lines.append(f"| {each.gate} | {each.mix:.0%} | {needed} | {parts} |")
    return "\n".join(lines)
