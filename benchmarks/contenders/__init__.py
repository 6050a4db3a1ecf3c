"""One module for each contender, each with the names of `entry.Contender`."""
