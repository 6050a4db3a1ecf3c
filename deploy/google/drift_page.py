"""What the comparison with the training data needs, from a Prometheus server, as the page of metrics of one service.

On Cloud Run nobody reaches the port of an instance, and one instance has seen a part of the requests only. Every family
is asked for by its exact name, because Managed Service for Prometheus takes no other:
https://docs.cloud.google.com/stackdriver/docs/managed-prometheus/promql
"""

from collections.abc import Callable, Iterator

from contract.refusal import Refusal
from deploy.google.promql import query
from deploy.prometheus import Sample

COUNTED = ("penguins_drift_observations_total", "penguins_drift_outside_total")
STATED = ("penguins_model_info", "penguins_drift_reference_rows", "penguins_drift_chi_square")
MAX_HOURS = 7 * 24
LABELS = "version, variable, bin"


def expressions(match: str, hours: int) -> dict[str, str]:
    """Return the query of each family: counts of the last hours over all instances, or what they state now."""
    counted = {name: f"sum by ({LABELS}) (increase({name}{{{match}}}[{hours}h]))" for name in COUNTED}
    return counted | {name: f"max by ({LABELS}) ({name}{{{match}}})" for name in STATED}


def drift_page(url: str, match: str, hours: int, token: Callable[[], str] | None = None) -> str:
    """Return the page. `match` chooses the service: service_name="penguins". Raises Refusal."""
    if not 1 <= hours <= MAX_HOURS:
        raise Refusal(f"--hours {hours}: expected 1 to {MAX_HOURS}, a week")
    headers = {"Authorization": f"Bearer {token()}"} if token else {}
    lines = [
        line
        for family, expression in expressions(match, hours).items()
        for line in _lines(family, query(url, expression, headers))
    ]
    if not lines:
        raise Refusal(
            f"expected metrics of {{{match}}} at {url}, found none; check SERVICE and PROJECT, and that instances run"
        )
    return "\n".join(lines) + "\n"


def _lines(family: str, samples: list[Sample]) -> Iterator[str]:
    for sample in samples:
        value = float(sample.value[1])
        labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sorted(sample.metric.items()))
        yield f"{family}{{{labels}}} {round(value) if family in COUNTED else value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
