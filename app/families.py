"""The metrics that there are: names, kinds, what they mean, how they are added up over several workers.

Names are OpenTelemetry's where it has one, as Prometheus spells it.
"""

from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]

SECONDS = 1e-9  # cells hold nanoseconds
MILLIONTHS = 1e-6

DURATIONS = (*(float(f"{mantissa}e{exponent}") for exponent in range(-5, 1) for mantissa in (1, 2.5, 5)), 10.0)  # s
CONFIDENCES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
DISTANCES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 7.5, 10.0, 20.0, 50.0)
SET_SIZES = (0.0, 1.0, 2.0, 3.0)

DURATION = "http_server_request_duration_seconds"
ACTIVE = "http_server_active_requests"
ERRORS = "penguins_errors_total"
REJECTED = "penguins_rejected_total"
CONNECTIONS = "penguins_connections"
PREDICTIONS = "penguins_predictions_total"
CONFIDENCE = "penguins_prediction_confidence"
DISTANCE = "penguins_prediction_distance"
SET_SIZE = "penguins_prediction_set_size"
OUTSIDE = "penguins_out_of_distribution_total"
MODEL = "penguins_model_info"
OUTCOMES = "penguins_bundle_outcomes_total"
FALLBACK = "penguins_fallback_in_use"
CHALLENGER = "penguins_challenger_comparisons_total"
READY = "penguins_ready"
STARTUP = "penguins_startup_seconds"
LOG_LINES = "penguins_log_lines_total"
SPANS = "penguins_spans_total"
OBSERVED = "penguins_drift_observations_total"
OUTSIDE_RANGE = "penguins_drift_outside_total"
REFERENCE = "penguins_drift_reference_rows"
QUANTILE = "penguins_drift_chi_square"
WORKERS = "penguins_workers"
WORKER_ENDS = "penguins_worker_ends_total"
CPU = "process_cpu_seconds_total"
MEMORY = "process_resident_memory_bytes"
OPEN_FILES = "process_open_fds"
MOST_FILES = "process_max_fds"
STARTED = "process_start_time_seconds"


class Family(NamedTuple):
    """`scale` makes a cell (for a histogram: of the sum) the value.

    `together`: over workers, add up, take the most or the least. A gauge is of workers that live; a counter also of
    those that have ended.
    """

    kind: Kind
    help: str
    scale: float = 1
    together: Literal["sum", "most", "least"] = "sum"
    bounds: tuple[float, ...] = ()


FAMILIES = {
    DURATION: Family("histogram", "From the last of a request's bytes to the answer's.", SECONDS, bounds=DURATIONS),
    ACTIVE: Family("gauge", "Requests under way that wait: batches and documents. Predictions never do."),
    ERRORS: Family("counter", "Requests that were not answered with success, by kind."),
    REJECTED: Family("counter", "Requests and connections that were turned away for their number, by reason."),
    CONNECTIONS: Family("gauge", "Open connections, by what they wait for."),
    PREDICTIONS: Family("counter", "Single predictions, by the species that was answered."),
    CONFIDENCE: Family("histogram", "Probability of the species that was answered.", MILLIONTHS, bounds=CONFIDENCES),
    DISTANCE: Family("histogram", "Mahalanobis distance to the nearest species.", MILLIONTHS, bounds=DISTANCES),
    SET_SIZE: Family("histogram", "Species that could not be excluded.", MILLIONTHS, bounds=SET_SIZES),
    OUTSIDE: Family("counter", "Predictions for measurements unlike any bird's that was trained on."),
    MODEL: Family("gauge", "1 for the model that is served.", together="most"),
    OUTCOMES: Family("counter", "Attempts to get and to swap bundles, by what became of them."),
    FALLBACK: Family("gauge", "1 where any worker serves another bundle than the one it should.", together="most"),
    CHALLENGER: Family("counter", "Predictions that a challenger was asked, too, by whether it agreed."),
    READY: Family("gauge", "1 where every worker that there should be is ready to predict.", together="least"),
    STARTUP: Family("gauge", "From the start of the process until it was ready.", SECONDS, together="most"),
    LOG_LINES: Family("counter", "Lines of the request log, by what became of them."),
    SPANS: Family("counter", "Spans of sampled requests, by what became of them."),
    OBSERVED: Family("counter", "Predictions, by the training data's bins of one variable."),
    OUTSIDE_RANGE: Family("counter", "Predictions far from all that was trained on, by the measurement that is."),
    REFERENCE: Family("gauge", "Rows of the training data in each bin.", together="most"),
    QUANTILE: Family("gauge", "Quantile of chi square that bounds a variable's drift.", MILLIONTHS, together="most"),
    WORKERS: Family("gauge", "Serving processes: wanted, and those that serve."),
    WORKER_ENDS: Family("counter", "Serving processes that ended before they were told to."),
    CPU: Family("counter", "User and system time of all processes.", SECONDS),
    MEMORY: Family("gauge", "Resident memory of all processes; what they share counts for each."),
    OPEN_FILES: Family("gauge", "Open descriptors of all processes."),
    MOST_FILES: Family("gauge", "Descriptors that one process may open."),
    STARTED: Family("gauge", "When the service started, in seconds since 1970.", SECONDS, together="most"),
}


def series(family: str, **labels: str) -> str:
    """The name of a series as Prometheus writes it."""
    if not labels:
        return family
    inner = ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items())
    return f"{family}{{{inner}}}"


def escaped(value: str) -> str:
    """As the text of a label's value."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
