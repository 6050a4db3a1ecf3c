"""The names of the metrics that the service writes and a canary reads."""

DURATION = "http_server_request_duration_seconds"
PREDICTIONS = "penguins_predictions_total"
COMPARISONS = "penguins_challenger_comparisons_total"
WORKER_ENDS = "penguins_worker_ends_total"
STARTED = "process_start_time_seconds"  # a gauge: a process that was started again has another value
