"""The server process, its supervisor and workers: sockets, signals, start and stop."""
