"""docs/trust.md, from what was measured."""

from benchmarks.results import Machine
from benchmarks.trust.cases import NAMES, POINTS
from benchmarks.trust.measure import Figures, Trust
from contract.measurements import MEASUREMENTS
from contract.species import SPECIES

SETS = """\
`prediction_set` lists the species that cannot be excluded at {level}: those whose probability reaches a threshold of
their own. The threshold is the smaller of two. One is **conformal**: of the held-out birds of that species alone, the
one whose score 1 - p has the rank ceil({level} (n + 1)) (label-conditional, or Mondrian, conformal prediction: Vovk,
Gammerman and Shafer 2005; the score: Sadinle, Lei and Wasserman 2019; scores from the folds of a cross-validation, so
that all birds calibrate: Vovk 2015). The other is {improbable:.2g}: a species is excluded only where it is
improbable, and conformal prediction agrees. A model that is right more often than {level} has conformal thresholds
that exclude every species for some birds, or the most probable one; the second condition adds species, never takes
one away, and leaves no set empty.

What is **not** claimed: the theorems on cross-conformal predictors, CV+ and the jackknife+ (Barber, Candès, Ramdas
and Tibshirani 2021) hold for sets made with the models of the folds. One model, fitted to all birds, is served with
the folds' thresholds, so coverage is measured instead, by
{protocol}.

The level is chosen in training (`python -m train --level 0.9`), not in the service: the bundle that is signed then
says what its sets claim, and holds the figures that were measured for just that level. 68 birds of the rarest species
allow at most 0.985."""

CASES = """\
A bird is out of distribution (`in_distribution: false`) where its Mahalanobis distance to the nearest species'
Gaussian exceeds {limit:.2f}, the rank ceil(0.99 (n + 1)) of the held-out birds' distances. Measured with limits that
had not seen the birds, false alarms are **{alarms:.1%}**. The library computes distances in float32 with the bits
that numpy gets, which its certificate says; 1e-5 from double precision.

Below, every one of the {birds} birds is judged by Gaussians of the other folds, as it is and with a mistake in it.
*Refused*: a 400, for a number outside the bounds; *mended*: of the refused, the suggestion is that very bird, or
*wrong*, another one. *Distance*: the share beyond the limit, were it asked. *Noticed*: refused, or answered with
`in_distribution: false`. Points are {points:,}, uniform."""

LIMITS = """\
What to make of it: another unit or another column is noticed, near always with the mend. A bias of one measurement by
a tenth is smaller than the differences between birds of one species, and mostly passes unnoticed, one bird at a time:
that is for monitoring many. Other animals are not in the table: we have no published measurements of them at hand
that we would vouch for."""


def page(trust: Trust, machine: Machine, date: str) -> str:
    """The Markdown."""
    reference, evidence = trust.reference, trust.reference.evidence
    figures = trust.training.cross_validation
    parts = (
        "# When to believe an answer",
        f"Made by `make trust`; do not edit. {date}, {machine.cpu}, {machine.cores} shared cores.",
        "## Probabilities",
        "Calibrated as they are: the expected calibration error is "
        f"{figures.expected_calibration_error:.4f} (ten bins),\n"
        f"the log loss {figures.log_loss:.4f} nats, on held-out birds, by\n{figures.protocol.partition(':')[0]}.\n"
        "The picture is in `artifacts/training_report.html`.",
        "## Prediction sets",
        SETS.format(level=f"{reference.level:g}", improbable=1 - reference.level, protocol=evidence.protocol),
        _sets(trust),
        f"A set holds {evidence.mean_set_size:.2f} species on average.",
        "## Birds unlike the three species",
        CASES.format(
            limit=reference.distance_limit,
            alarms=evidence.false_alarms,
            birds=trust.training.rows_trained,
            points=POINTS,
        ),
        _cases(trust.cases),
        LIMITS,
        "## Measurement error",
        "`POST /explain` says whether an answer survives it, all measurements at once: "
        + ", ".join(f"{name} {one.error:g} {one.unit}" for name, one in zip(NAMES, MEASUREMENTS, strict=True))
        + ". These are our assumption (`contract/measurements.py`).",
        "## What it costs",
        _cost(trust),
    )
    return "\n\n".join(parts) + "\n"


def _sets(trust: Trust) -> str:
    reference, evidence = trust.reference, trust.reference.evidence
    rows = [
        f"| {species} | {reference.set_thresholds[species]:.3f} | **{evidence.coverage[species]:.1%}** | "
        f"{reference.conformal_thresholds[species]:.3f} | {evidence.conformal_coverage[species]:.1%} |"
        for species in SPECIES
    ]
    head = "| species | in the set from p = | coverage | conformal alone, from p = | its coverage |"
    return "\n".join((head, "| --- | --: | --: | --: | --: |", *rows))


def _cases(cases: list[Figures]) -> str:
    head = "| what | refused | mended | wrong | distance | noticed |"
    return "\n".join((head, "| --- | --: | --: | --: | --: | --: |", *map(_case, cases)))


def _case(case: Figures) -> str:
    suggested = (f"{case.mended:.1%}", f"{case.wrong:.1%}") if case.refused and case.rows != POINTS else ("", "")
    cells = (case.name, f"{case.refused:.1%}", *suggested, f"{case.unusual:.1%}", f"**{case.noticed:.1%}**")
    return f"| {' | '.join(cells)} |"


def _cost(trust: Trust) -> str:
    cost = trust.cost
    more = cost.handler - cost.handler_alone
    return (
        f"Distance, comparison and prediction set of one bird: {cost.distance:.0f} ns in C. From body to answer, the\n"
        f"handler takes {cost.handler:,.0f} ns, and {cost.handler_alone:,.0f} ns with the same model compiled without\n"
        f"a reference (taking turns, medians): {more:.0f} ns, {more / cost.handler_alone:.0%}, for three more fields."
    )
