"""How far to trust one answer: prediction sets or intervals and the distance, as a section of a model card."""

from cards.markdown import heading, plain, table
from contract.schema import Contract
from contract.uncertainty import Uncertainty


def sections(contract: Contract, found: Uncertainty | None) -> list[str]:
    """Return the section, or none if answers have nothing to judge them by."""
    if found is None:
        return []
    row, evidence = plain(contract.row), found.evidence
    parts = [heading(2, "How far to trust one answer")]
    if found.set_thresholds:
        size = "" if evidence.mean_set_size is None else f" It held {evidence.mean_set_size:.2f} of them on average."
        parts.append(
            f"A prediction set lists each {plain(contract.output.label)} that cannot be excluded at a level of "
            f"{found.level:g}.{size}"
        )
    if found.half_widths:
        widths = [(plain(name), f"{width:.4g}") for name, width in found.half_widths.items()]
        parts += [
            f"An interval holds the true number at a level of {found.level:g}. It reaches this far to either side:",
            table(("number", "half width"), widths, 1),
        ]
    if evidence.coverage:
        rows = [(plain(name), f"{share:.1%}") for name, share in evidence.coverage.items()]
        parts += ["How often the truth was in it, measured:", table(("truth", "covered"), rows, 1)]
    if found.distance_limit is not None:
        alarms = (
            "" if evidence.false_alarms is None else f" {evidence.false_alarms:.1%} of held-out rows were called so."
        )
        parts.append(
            f"A {row} whose smallest Mahalanobis distance to the known rows is above {found.distance_limit:.2f} is out "
            f"of distribution: its answer says little.{alarms}"
        )
    return [*parts, f"Measured by: {plain(evidence.protocol)}."]
