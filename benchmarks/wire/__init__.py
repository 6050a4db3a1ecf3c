"""How fast the service answers over HTTP, beside others and the limits of its parts: python -m benchmarks.wire."""
