"""Many rows, and what is wrong with one: the service answers with it, and so will files and Spark."""
