"""The compiled model in this process. Only this code calls a model library."""
