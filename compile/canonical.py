"""A model file read by XGBoost in a process of its own, which a malformed file may abort: XGBoost does, on some."""

import subprocess
import sys
from pathlib import Path

from contract.refusal import Refusal

TIMEOUT_S = 300
CHILD = """
import sys, xgboost
booster = xgboost.Booster()
try:
    with open(sys.argv[1], "rb") as file:
        booster.load_model(bytearray(file.read()))
    sys.stdout.buffer.write(booster.save_raw("json"))
except (xgboost.core.XGBoostError, ValueError) as error:
    sys.exit(str(error))
"""
MEND = "write it with Booster.save_model, or train again: make train"


def canonical_json(path: Path) -> bytes:
    """The model as XGBoost itself writes it in JSON, whatever format the file has. Raises Refusal, naming the file."""
    command = [sys.executable, "-c", CHILD, str(path)]
    try:
        child = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise Refusal(f"{path}: XGBoost took longer than {TIMEOUT_S} s to read it; {MEND}") from error
    if child.returncode != 0:
        reason = _reason(child.stderr) or f"XGBoost ended with status {child.returncode}"
        raise Refusal(f"{path} is not an XGBoost model in JSON or UBJSON ({reason}); {MEND}")
    return child.stdout


def _reason(stderr: bytes) -> str:
    """The telling line of an error; XGBoost appends a native stack trace."""
    text = stderr.decode(errors="replace").partition("Stack trace:")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[-1] if lines else ""
