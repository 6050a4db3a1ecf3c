"""When an answer is doubted, measured: on held-out birds, on mistakes, and on what is no bird at all."""
