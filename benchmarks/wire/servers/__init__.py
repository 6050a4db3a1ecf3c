"""Servers that are not ours: what most people deploy, and those that always give the same answer."""
