"""Servers that are not ours: what most people deploy, and two that always give the same answer."""
