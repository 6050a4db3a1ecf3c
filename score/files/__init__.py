"""Files on one machine, or on many: each part is answered exactly once, whatever is killed meanwhile."""
