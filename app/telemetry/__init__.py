"""What is recorded about each request: counts, log lines, spans."""
