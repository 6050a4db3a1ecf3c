"""The names of the metrics that the service writes and a canary reads."""

DURATION = "http_server_request_duration_seconds"
PREDICTIONS = "penguins_predictions_total"
COMPARISONS = "penguins_challenger_comparisons_total"
