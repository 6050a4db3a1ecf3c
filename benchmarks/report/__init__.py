"""Stored results to pages of docs/: tables, pictures, and the prose of benchmarks/pages/."""
