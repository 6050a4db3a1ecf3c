"""python -m benchmarks.trust [--out DIRECTORY]: measure the bundle in artifacts/, and write docs/trust.md."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.machine import ROOT, heading
from benchmarks.page import options, write_page
from benchmarks.tables import table
from benchmarks.trust.cases import NAMES, POINTS
from benchmarks.trust.measure import Figures, distance_ns, measure_cases
from binding.library import Library
from bundle.fetch import read_directory
from bundle.verify import IN_PLACE
from contract.manifest import TRAINING_FILE
from contract.refusal import exit_status
from contract.training import TrainingSummary
from contract.uncertainty import UNCERTAINTY_FILE, LevelEvidence, Uncertainty
from evaluation.conformal import rows_needed
from train.contract import CLASSES, CONTRACT


def run(artifacts: Path, out: Path) -> None:
    """Measure the bundle in `artifacts`, and write. Raises Refusal if there is none."""
    verified = read_directory(artifacts / "bundle", IN_PLACE)
    reference = msgspec.json.decode(verified.files[UNCERTAINTY_FILE], type=Uncertainty)
    training = msgspec.json.decode(verified.files[TRAINING_FILE], type=TrainingSummary)
    library, figures, evidence = Library(verified.library, CLASSES), training.cross_validation, reference.evidence
    write_page(
        out / "trust.md",
        heading("When to believe an answer", "make trust"),
        model=training.model_sha256[:8],
        xgboost=training.xgboost_version,
        calibration_error=f"{figures.expected_calibration_error:.4f}",
        log_loss=f"{figures.log_loss:.4f}",
        validated=figures.protocol.partition(":")[0],
        level=f"{reference.level:g}",
        improbable=f"{1 - reference.level:.2g}",
        protocol=evidence.protocol,
        sets=set_table(reference),
        set_size=f"{evidence.mean_set_size:.2f}",
        **level_parts(reference),
        limit=f"{reference.distance_limit:.2f}",
        alarms=f"{evidence.false_alarms:.1%}",
        birds=f"{training.rows_trained}",
        points=f"{POINTS:,}",
        cases=case_table(list(measure_cases(library, reference))),
        errors=", ".join(f"{name} {one.error:g} {one.unit}" for name, one in zip(NAMES, CONTRACT.inputs, strict=True)),
        distance=f"{distance_ns(library):.0f}",
    )


def set_table(reference: Uncertainty) -> str:
    """Return when a species is in a set, and how often the set holds the truth."""
    evidence = reference.evidence
    rows = [
        [
            species,
            f"{reference.set_thresholds[species]:.3f}",
            f"**{evidence.coverage[species]:.1%}**",
            f"{reference.conformal_thresholds[species]:.3f}",
            f"{evidence.conformal_coverage[species]:.1%}",
        ]
        for species in CLASSES
    ]
    return table(["species", "in the set from p =", "coverage", "conformal alone, from p =", "its coverage"], rows)


def level_parts(reference: Uncertainty) -> dict[str, str]:
    """Return the parts of the page about sets from p-values. Expects figures at the level that is served."""
    (served,) = [each for each in reference.evidence.levels if each.level == reference.level]
    return {
        "levels": level_table(reference.evidence.levels),
        "needed": ", ".join(f"{rows_needed(each.level)} for {each.level:g}" for each in reference.evidence.levels),
        "held": listed_counts(reference),
        "covered": f"{min(served.served_coverage.values()):.1%}",
        "own_size": f"{served.mean_size:.2f}",
        "empty": f"{served.empty:.1%}",
    }


def level_table(levels: Sequence[LevelEvidence]) -> str:
    """Return how often both kinds of sets hold the truth, and how large they are, at each level."""
    rows = [
        [
            f"{each.level:g}",
            *(f"{each.coverage[species]:.1%}" for species in CLASSES),
            f"{each.mean_size:.2f}",
            f"{each.empty:.1%}",
            f"{min(each.served_coverage.values()):.1%}",
            f"{each.served_mean_size:.2f}",
        ]
        for each in levels
    ]
    own = [f"p-values: {species} covered" for species in CLASSES]
    served = ["by the rule of `prediction_set`: least covered species", "species a set"]
    return table(["level", *own, "species a set", "empty sets", *served], rows)


def listed_counts(reference: Uncertainty) -> str:
    """Return how many held-out birds of each species there are, in words."""
    return ", ".join(f"{len(own)} {species}" for species, own in reference.calibration.items())


def case_table(cases: list[Figures]) -> str:
    """Return which birds are refused, whose mistake is found, and which are noticed."""
    rows = []
    for name, refused, fixed, wrong, unusual, noticed in cases:
        suggested = ["" if share is None else f"{share:.1%}" for share in (fixed, wrong)]
        rows.append([name, f"{refused:.1%}", *suggested, f"{unusual:.1%}", f"**{noticed:.1%}**"])
    return table(["what", "refused", "fixed", "wrong", "distance", "noticed"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Returns the exit status."""
    out = options("trust", arguments).out
    return exit_status(lambda: run(ROOT / "artifacts", out))


if __name__ == "__main__":
    sys.exit(main())
