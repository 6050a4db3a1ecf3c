"""How fast many rows are, beside other ways, in one run: make score-bench."""
