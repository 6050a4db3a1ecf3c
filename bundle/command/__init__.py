"""The subcommands of python -m bundle: what each does and prints."""
