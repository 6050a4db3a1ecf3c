"""All metrics: their names, kinds and help texts, and how they are combined over several workers.

If OpenTelemetry defines a name for a metric, it is used here, in Prometheus's spelling.
"""

from typing import Literal, NamedTuple

from contract.metrics import COMPARISONS, DURATION, PREDICTIONS

Kind = Literal["counter", "gauge", "histogram"]

SECONDS = 1e-9  # cells hold nanoseconds
MILLIONTHS = 1e-6

DURATIONS = (*(float(f"{mantissa}e{exponent}") for exponent in range(-5, 1) for mantissa in (1, 2.5, 5)), 10.0)  # s
CONFIDENCES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
DISTANCES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 7.5, 10.0, 20.0, 50.0)
SET_SIZES = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 50.0, 100.0)

ACTIVE = "http_server_active_requests"
ERRORS = "penguins_errors_total"
REJECTED = "penguins_rejected_total"
CONNECTIONS = "penguins_connections"
CONFIDENCE = "penguins_prediction_confidence"
DISTANCE = "penguins_prediction_distance"
SET_SIZE = "penguins_prediction_set_size"
OUTSIDE = "penguins_out_of_distribution_total"
MODEL = "penguins_model_info"
OUTCOMES = "penguins_bundle_outcomes_total"
FOLLOW_SUCCESS = "penguins_follow_success_timestamp_seconds"
FOLLOW_INTERVAL = "penguins_follow_interval_seconds"
CHANNEL_EXPIRY = "penguins_channel_expiry_timestamp_seconds"
FALLBACK = "penguins_fallback_in_use"
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
MODEL_LABELS = ("version", "challenger")  # labels whose value is a model's version; few versions are kept
CPU = "process_cpu_seconds_total"
MEMORY = "process_resident_memory_bytes"
OPEN_FILES = "process_open_fds"
MAX_FILES = "process_max_fds"
STARTED = "process_start_time_seconds"


class Family(NamedTuple):
    """A metric: its kind, its help text and how its cells become values.

    A cell (of a histogram: the cell of its sum) times `scale` is the value. `aggregation` says how the values of all
    workers become one. Gauges count live workers only; counters also count workers that have ended.
    """

    kind: Kind
    help: str
    scale: float = 1
    aggregation: Literal["sum", "max", "min"] = "sum"
    bounds: tuple[float, ...] = ()


FAMILIES = {
    DURATION: Family("histogram", "Seconds from the last byte of a request to its answer.", SECONDS, bounds=DURATIONS),
    ACTIVE: Family("gauge", "Requests in progress that wait: batches and documents. Predictions never wait."),
    ERRORS: Family("counter", "Requests that were answered with an error, by kind."),
    REJECTED: Family("counter", "Requests and connections that were refused because there were too many, by reason."),
    CONNECTIONS: Family("gauge", "Open connections, by what they wait for."),
    PREDICTIONS: Family("counter", "Single predictions; by the predicted class, if the answer is one."),
    CONFIDENCE: Family("histogram", "Probability of the predicted class.", MILLIONTHS, bounds=CONFIDENCES),
    DISTANCE: Family("histogram", "Mahalanobis distance to the nearest known rows.", MILLIONTHS, bounds=DISTANCES),
    SET_SIZE: Family("histogram", "Classes that could not be excluded.", MILLIONTHS, bounds=SET_SIZES),
    OUTSIDE: Family("counter", "Predictions for inputs unlike all rows of the training data."),
    MODEL: Family("gauge", "1 for the model that is served.", aggregation="max"),
    OUTCOMES: Family("counter", "Attempts to get and to swap bundles, by outcome."),
    FOLLOW_SUCCESS: Family("gauge", "When a followed channel was last polled with success.", SECONDS, "min"),
    FOLLOW_INTERVAL: Family("gauge", "Seconds between two polls of a followed channel.", SECONDS, "max"),
    CHANNEL_EXPIRY: Family("gauge", "When the pointer of a followed channel expires.", SECONDS, "min"),
    FALLBACK: Family("gauge", "1 if any worker serves a fallback instead of the configured bundle.", aggregation="max"),
    COMPARISONS: Family("counter", "Predictions that a challenger was also asked for, by result."),
    READY: Family("gauge", "1 if all wanted workers are ready to predict.", aggregation="min"),
    STARTUP: Family("gauge", "Seconds from the start of the process until it was ready.", SECONDS, aggregation="max"),
    LOG_LINES: Family("counter", "Lines of the request log, by outcome."),
    SPANS: Family("counter", "Spans of sampled requests, by outcome."),
    OBSERVED: Family("counter", "Predictions, by variable and bin of the training data."),
    OUTSIDE_RANGE: Family("counter", "Predictions with an input far outside the training data, by input."),
    REFERENCE: Family("gauge", "Rows of the training data in each bin.", aggregation="max"),
    QUANTILE: Family("gauge", "Quantile of chi square that bounds a variable's drift.", MILLIONTHS, aggregation="max"),
    WORKERS: Family("gauge", "Serving processes: how many are wanted, and how many are alive."),
    WORKER_ENDS: Family("counter", "Serving processes that ended before they were told to stop."),
    CPU: Family("counter", "User and system time of all processes.", SECONDS),
    MEMORY: Family("gauge", "Resident memory of all processes; shared memory counts for each of them."),
    OPEN_FILES: Family("gauge", "Open descriptors of all processes."),
    MAX_FILES: Family("gauge", "Descriptors that one process may open."),
    STARTED: Family("gauge", "When the service started, in seconds since 1970.", SECONDS, aggregation="max"),
}


def series(family: str, /, **labels: str) -> str:
    """Return the name of a series, with its labels, in Prometheus's text format."""
    if not labels:
        return family
    inner = ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items())
    return f"{family}{{{inner}}}"


def escaped(value: str) -> str:
    """Return a label's value with the escapes of Prometheus's text format."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
