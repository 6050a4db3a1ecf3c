"""The report of a training: its text, its tables and its pictures."""
