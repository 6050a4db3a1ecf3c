"""python -m compile MODEL [--out DIR] [--emit-c DIR]"""

import argparse
import csv
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import tl2cgen
import treelite
import xgboost

from app.library import Library
from compile.booster import Model, read_model
from compile.bundle import write_bundle
from compile.parity import Rows, check_parity, golden
from compile.source import write_source
from compile.toolchain import Compiler, build_library, find_compiler
from contract.manifest import (
    CONTRACT,
    FORMAT_VERSION,
    MODEL_FILE,
    TRAINING_FILE,
    Digest,
    Manifest,
    Toolchain,
    difference,
    platform_name,
)
from contract.refusal import Refusal, exit_status
from contract.training import TrainingSummary

TRAINING_ROWS_FILE = "training_rows.csv"


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m compile", description="Compile an XGBoost model into a bundle that the service can load."
    )
    parser.add_argument("model", type=Path, help="a model that XGBoost saved as .json or .ubj")
    parser.add_argument("--out", type=Path, default=Path("artifacts/bundle"), help="the bundle (default: %(default)s)")
    parser.add_argument("--emit-c", type=Path, metavar="DIR", help="also leave the C here, to read")
    options = parser.parse_args(arguments)
    return exit_status(lambda: compile_model(options.model, options.out, options.emit_c))


def compile_model(path: Path, out: Path, emit_c: Path | None = None) -> None:
    """Compile, check and pack one model, and say so on stdout. Raises Refusal."""
    model = read_model(path)
    compiler = find_compiler()
    image = _build(model, compiler, emit_c)
    library = Library(image)
    parity = check_parity(library, model, _training_rows(path, model))
    library_file = f"libmodel-{platform_name()}{compiler.library_suffix}"
    files = {library_file: image, MODEL_FILE: model.data, **_training(path, Digest.of(model.data).sha256)}
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        interface=model.interface,
        trees=model.trees,
        toolchain=_toolchain(compiler),
        parity=parity,
        golden=golden(model),
        libraries={platform_name(): library_file},
        files={name: Digest.of(data) for name, data in files.items()},
    )
    directory = write_bundle(out, manifest, files)
    print(f"compiled {model.trees.count} trees with {compiler.version}: {len(image):,} bytes for {platform_name()}")
    print(f"equal to XGBoost bit for bit on {parity.rows:,} rows")
    print(f"wrote {out} -> {directory.name}")
    if model.interface != CONTRACT:
        print(f"note: the service will refuse it: {difference(CONTRACT, model.interface)}", file=sys.stderr)


def _build(model: Model, compiler: Compiler, emit_c: Path | None) -> bytes:
    with tempfile.TemporaryDirectory(prefix="compile-") as name:
        directory = Path(name)
        sources = write_source(model, directory)
        if emit_c:
            _copy_source(directory, emit_c)
        return build_library(compiler, sources, directory)


def _copy_source(directory: Path, destination: Path) -> None:
    try:
        shutil.copytree(directory, destination, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise Refusal(f"cannot write the C to {destination}: {error}; choose another --emit-c") from error


def _training(model_path: Path, model_sha256: str) -> dict[str, bytes]:
    """What training wrote beside the model, where it did."""
    path = model_path.with_name(TRAINING_FILE)
    if not path.exists():
        return {}
    data = path.read_bytes()
    try:
        described = msgspec.json.decode(data, type=TrainingSummary).model_sha256
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: {error}; train again: make train") from error
    if described != model_sha256:
        raise Refusal(f"{path} describes another model than {model_path}; train again: make train")
    return {TRAINING_FILE: data}


def _training_rows(model_path: Path, model: Model) -> Rows | None:
    path = model_path.with_name(TRAINING_ROWS_FILE)
    if model.interface != CONTRACT or not path.exists():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = [[float(row[name]) for name in CONTRACT.measurements] for row in csv.DictReader(file)]
    return np.array(rows, dtype=np.float32)


def _toolchain(compiler: Compiler) -> Toolchain:
    versions = {module.__name__: module.__version__ for module in (xgboost, treelite, tl2cgen)}
    return Toolchain(compiler.version, (*compiler.compile_flags, *compiler.link_flags), versions)


if __name__ == "__main__":
    sys.exit(main())
