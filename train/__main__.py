"""`python -m train`: read the birds, fit the model, measure how good it is, and write what the next stages need."""

import argparse
import sys
from pathlib import Path

import msgspec

from contract.files import write_atomically
from contract.manifest import DATA_CARD_FILE, MODEL_CARD_FILE, encode
from contract.reading import PENGUINS
from contract.refusal import exit_status
from contract.training import KNOWN_ROWS_FILE, TrainingSummary
from contract.uncertainty import UNCERTAINTY_FILE
from evaluation.conformal import LEVEL
from evaluation.drift import drift_baseline
from evaluation.published import known_rows
from train.axes import axes_toml, check_axes
from train.baselines import baselines
from train.card import penguin_card
from train.contract import CLASSES, CONTRACT
from train.data_card import data_card
from train.evaluate import cross_validation, hold_out
from train.features import features
from train.groups import groups
from train.model import fit
from train.page.report import report
from train.penguins import DATA, load
from train.summary import rows_csv, summarise
from train.uncertainty import fit_uncertainty

MIN_LEVEL = 1 - 1 / len(CLASSES)  # above it, 1 - level excludes no class that is the most probable one
MAXIMUM_THREADS = 256  # XGBoost fails for absurd numbers, with a traceback


def main(arguments: list[str] | None = None) -> int:
    """Run the stage. Return 0, or 2 after a Refusal. argparse exits with 2 for arguments that it does not know."""
    options = _parser().parse_args(arguments)
    if options.axes:
        return exit_status(lambda: print_axes(options.data))
    return exit_status(lambda: run(options.data, options.out, options.threads, options.level))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the birds, as CSV (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("artifacts"), help="folder to write to (default: %(default)s)")
    parser.add_argument("--threads", type=_threads, default=0, help="threads to fit with; 0, the default, for all")
    parser.add_argument("--level", type=_level, default=LEVEL, help="of the prediction sets (default: %(default)s)")
    parser.add_argument("--axes", action="store_true", help="only print the axes of the birds, for the contract")
    return parser


def _threads(text: str) -> int:
    if not text.isdecimal() or int(text) > MAXIMUM_THREADS:
        raise argparse.ArgumentTypeError(f"expected 0 to {MAXIMUM_THREADS}, found {text!r}")
    return int(text)


def _level(text: str) -> float:
    try:
        level = float(text)
    except ValueError:
        level = 0.0
    if not MIN_LEVEL < level < 1:  # also true of NaN
        raise argparse.ArgumentTypeError(f"expected a number between {MIN_LEVEL:.2f} and 1, found {text!r}")
    return level


def print_axes(data: Path) -> None:
    """Print the contract's projections with the axes of the birds in `data`. Raises Refusal if the data are bad."""
    penguins = load(data)
    print(axes_toml(penguins.measurements, penguins.labels), end="")


def run(data: Path, out: Path, threads: int, level: float) -> None:
    """Train on `data` and write nine files into `out`.

    Raises Refusal if the data are bad or the folder cannot be written. The written bytes depend on `data` and `level`
    alone. The model is written last: if it is there, the other files are too.
    """
    summary, files = train(data, threads, level)
    for name, content in files.items():
        write_atomically(out / name, content)
    figures = summary.cross_validation
    print(f"Read {summary.rows_read} birds, dropped {summary.rows_dropped} without measurements.")
    print(f"On birds not seen before: accuracy {figures.accuracy:.4f}, log loss {figures.log_loss:.4f}.")
    print("Wrote", *(f"  {out / name}" for name in files), sep="\n")


def train(data: Path, threads: int, level: float) -> tuple[TrainingSummary, dict[str, bytes]]:
    """Return what was learned from `data`, and the files to write: content by name, in order.

    Raises Refusal if the data are bad, or if the contract's projections are not the axes of the birds.
    """
    penguins = load(data)
    check_axes(penguins.measurements, penguins.labels)
    table = features(penguins.measurements)
    booster = fit(table, penguins.labels, threads)
    model = bytes(booster.save_raw("json"))
    held_out = hold_out(penguins.measurements, penguins.labels)
    baseline = drift_baseline(CONTRACT, penguins.measurements, held_out.probabilities[0])
    figures = cross_validation(held_out)
    uncertainty, judged = fit_uncertainty(penguins, model, held_out, level)
    rivals = baselines(penguins, held_out, figures)
    summary = summarise(penguins, model, figures, baseline, rivals, groups(penguins, held_out, judged))
    # The birds are in the public domain (CC0), so their rows may be published with the model.
    published = known_rows(
        CONTRACT, summary.model_sha256, penguins.measurements, penguins.labels, CONTRACT.output.label
    )
    return summary, {
        "training_rows.csv": rows_csv(penguins),
        "training_report.html": report(summary, uncertainty, penguins, held_out, booster).encode(),
        "training.json": encode(summary),
        UNCERTAINTY_FILE: encode(uncertainty),
        KNOWN_ROWS_FILE: msgspec.json.encode(published) + b"\n",
        MODEL_CARD_FILE: penguin_card(summary, uncertainty).encode(),
        DATA_CARD_FILE: data_card(data.read_bytes(), summary).encode(),
        "penguin_model.toml": PENGUINS.read_bytes(),
        "penguin_model.json": model,
    }


if __name__ == "__main__":
    sys.exit(main())
