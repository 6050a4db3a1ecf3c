"""Servers that are not ours: what most people deploy, and two that only say one thing."""
