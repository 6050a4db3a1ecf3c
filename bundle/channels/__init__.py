"""Channels: signed pointers that move, and which pointers were seen."""
