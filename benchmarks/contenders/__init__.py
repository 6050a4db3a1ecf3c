"""One module per contender, each with the names of `benchmarks.entry.Contender`."""
