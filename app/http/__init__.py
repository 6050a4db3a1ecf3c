"""From the bytes of a connection to an operation and back: parsing, limits, deadlines, overload."""
