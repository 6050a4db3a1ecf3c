"""python -m contract MODEL: print the contract that is derived from a model's file, as TOML to edit.

This is the only module of contract/ that imports another stage, and it does so only when it is run: reading a model is
the business of compile/.
"""

import argparse
import sys
from pathlib import Path

from contract.refusal import exit_status


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m contract", description="Print the contract that is derived from a model's file, as TOML."
    )
    parser.add_argument("model", type=Path, help="a model that XGBoost saved as .json or .ubj")
    options = parser.parse_args(arguments)
    return exit_status(lambda: print_contract(options.model))


def print_contract(path: Path) -> None:
    """Print the contract. What else there is to say about the model goes to stderr. Raises Refusal."""
    from compile.contract_file import in_toml
    from compile.reading.booster import read_model

    model = read_model(path)
    for notice in model.notices:
        print(f"note: {notice}", file=sys.stderr)
    print(in_toml(model.contract), end="")


if __name__ == "__main__":
    sys.exit(main())
