"""Metrics for operators: counters in shared memory, the page for Prometheus, drift."""
