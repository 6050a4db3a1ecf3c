"""A model file read by XGBoost in another process: XGBoost aborts its process on some malformed files."""

import subprocess
import sys
from pathlib import Path

import xgboost

from contract.refusal import Refusal

TIMEOUT_S = 300
CHILD = """
import sys
sys.modules["sklearn"] = None  # XGBoost does without it, and starts a second sooner
import xgboost
booster = xgboost.Booster()
try:
    with open(sys.argv[1], "rb") as file:
        booster.load_model(bytearray(file.read()))
    sys.stdout.buffer.write(booster.save_raw("ubj"))
except (xgboost.core.XGBoostError, ValueError) as error:
    sys.exit(str(error))
"""
WAY_OUT = "save it again with Booster.save_model, by the XGBoost that trained it"


def saved_again(path: Path) -> bytes:
    """Return the model as UBJSON that the installed XGBoost writes after reading the file. Raises Refusal."""
    command = [sys.executable, "-c", CHILD, str(path)]
    try:
        child = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise Refusal(f"{path}: XGBoost took longer than {TIMEOUT_S} s to read it; {WAY_OUT}") from error
    if child.returncode != 0:
        reason = _reason(child.stderr) or f"XGBoost ended with status {child.returncode}"
        raise Refusal(f"XGBoost {xgboost.__version__} cannot read {path} ({reason}); {WAY_OUT}")
    return child.stdout


def _reason(stderr: bytes) -> str:
    """Return the last line of the error, without XGBoost's native stack trace."""
    text = stderr.decode(errors="replace").partition("Stack trace:")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[-1] if lines else ""
