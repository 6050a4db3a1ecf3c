"""POST /score: a table in, the same table with answers out."""
