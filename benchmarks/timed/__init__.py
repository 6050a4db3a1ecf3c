"""Benchmarks in one process, timed by pytest-benchmark: `make bench`, `make bench-request`."""
