"""python -m compile MODEL [--contract TOML] [--out DIR] [--missing VALUE] [--all-trees] [--bundle-version LABEL] ..."""

import argparse
import math
import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import tl2cgen
import treelite
import xgboost

from binding.library import Library
from bundle.write import check_destination, write_bundle
from compile.beside import read_beside
from compile.build import ONE_ROW, Build
from compile.cards import with_cards
from compile.certification.parity import certify, golden
from compile.certification.probes import Rows
from compile.contract_file import contract_for, contract_path, write_derived
from compile.forest import forest_file
from compile.held_out import HeldOut, with_held_out
from compile.processor import processor_name
from compile.reading.booster import CompilableModel, read_model
from compile.reading.well_formed import LARGEST
from compile.release import creation_time, version_label
from compile.source import write_source
from compile.toolchain import Compiler, find_compiler
from compile.tuning import tune, worth_trying_tl2cgen
from contract.certificate import INSTRUCTION_SETS, Certificate, certificate_file
from contract.manifest import (
    FORMAT_VERSION,
    MODEL_FILE,
    Digest,
    Manifest,
    PlatformBuild,
    Toolchain,
    Tuning,
    encode,
    platform_name,
)
from contract.refusal import Refusal, exit_status
from contract.schema import CONTRACT_FILE
from evaluation.conformal import LEVEL


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run it. Return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.rows is None) != (options.target is None):
        parser.error("--rows and --target go together")
    if options.publish_rows and options.rows is None:
        parser.error("--publish-rows needs --rows: it publishes them")
    if (options.one_row is None) != (options.block_from is None) or (
        options.block_from is not None and options.block_from < 1
    ):
        parser.error("--one-row and --block-from go together; --block-from is at least 1")
    pinned = Tuning(options.one_row, options.block_from, {}) if options.one_row else None
    return exit_status(
        lambda: compile_model(
            options.model,
            options.out,
            options.bundle_version,
            pinned,
            options.emit_c,
            options.missing,
            options.all_trees,
            options.contract,
            _held_out(options),
        )
    )


def _held_out(options: argparse.Namespace) -> HeldOut | None:
    given: Path | None = options.rows
    return HeldOut(given, options.target, options.level, options.publish_rows) if given else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m compile", description="Compile an XGBoost model into a bundle that the service can load."
    )
    parser.add_argument("model", type=Path, help="a model that XGBoost saved as .json or .ubj, or MLflow's directory")
    parser.add_argument(
        "--contract",
        type=Path,
        metavar="TOML",
        help="its inputs and its answer (default: MODEL with the suffix .toml, or else what MODEL says)",
    )
    parser.add_argument("--out", type=Path, default=Path("artifacts/bundle"), help="the bundle (default: %(default)s)")
    parser.add_argument(
        "--bundle-version", metavar="LABEL", help="(default: the day and the start of the model's digest)"
    )
    parser.add_argument(
        "--missing",
        type=_missing,
        metavar="VALUE",
        help="a value that means missing: what XGBClassifier(missing=VALUE) was trained with, which no file holds",
    )
    parser.add_argument(
        "--all-trees", action="store_true", help="do not stop at best_iteration: answer as Booster.predict does"
    )
    parser.add_argument("--emit-c", type=Path, metavar="DIR", help="also leave the C here, to read")
    parser.add_argument(
        "--one-row", choices=tuple(ONE_ROW), help="do not measure: evaluate one row by this (with --block-from)"
    )
    parser.add_argument("--block-from", type=int, metavar="ROWS", help="do not measure: use blocks from this many rows")
    parser.add_argument(
        "--rows", type=Path, metavar="CSV", help="rows that the model was not trained on (with --target)"
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column of --rows that holds the true answers")
    parser.add_argument("--level", type=float, default=LEVEL, help="of sets and intervals (default: %(default)s)")
    parser.add_argument(
        "--publish-rows",
        action="store_true",
        help="put up to 2,000 of --rows into the bundle: everybody who can ask the service can read them",
    )
    return parser


def _missing(text: str) -> float | None:
    expected = argparse.ArgumentTypeError(f"expected a number that a float32 holds, found {text!r}")
    try:
        value = float(text)
    except ValueError:
        raise expected from None
    if math.isfinite(value) and abs(value) > LARGEST:
        raise expected
    return None if math.isnan(value) else float(np.float32(value))


def compile_model(
    path: Path,
    out: Path,
    label: str | None = None,
    pinned: Tuning | None = None,
    emit_c: Path | None = None,
    missing: float | None = None,
    all_trees: bool = False,
    contract: Path | None = None,
    given: HeldOut | None = None,
) -> None:
    """Compile, certify and pack one model, and print what was done. Raises Refusal. `pinned` replaces measuring."""
    check_destination(out)
    model = read_model(path, missing, all_trees, contract_for(path, contract))
    created_at = creation_time()
    bundle_version = version_label(label, created_at, Digest.of(model.data).sha256)
    known = read_beside(path, model)
    known = with_held_out(known, given, model) if given else known
    known = with_cards(known, path, model)
    model = msgspec.structs.replace(model, uncertainty=known.uncertainty)
    for notice in (*model.notices, *known.notices):
        print(f"note: {notice}")
    compiler = find_compiler()
    image, tuning = _build(model, compiler, pinned, emit_c)
    certificate = _certify(image, model, known.rows)
    target, built = _target(compiler, tuning, image, certificate)
    files = {
        **built,
        MODEL_FILE: model.data,
        CONTRACT_FILE: encode(model.contract),
        **known.files,
        **forest_file(model),
    }
    manifest = _manifest(model, bundle_version, created_at, target, files)
    directory = write_bundle(out, manifest, files)
    print(f"compiled {model.trees.count} trees with {compiler.version}: {len(image):,} bytes for {platform_name()}")
    _report(model, tuning, certificate)
    print(f"wrote {out} -> {directory.name}, version {bundle_version}")
    if contract_path(path, contract) is None:
        print(f"note: {write_derived(model.contract, out)}")


def _manifest(
    model: CompilableModel, label: str, created_at: datetime, target: PlatformBuild, files: dict[str, bytes]
) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        bundle_version=label,
        created_at=created_at,
        model_sha256=Digest.of(model.data).sha256,
        trees=model.trees,
        golden=golden(model),
        platforms={platform_name(): target},
        files={name: Digest.of(data) for name, data in files.items()},
        missing=model.missing,
    )


def _report(model: CompilableModel, tuning: Tuning, certificate: Certificate) -> None:
    """Print how the library evaluates the trees, and what was proved."""
    print(f"one row by {tuning.one_row}, blocks from {tuning.block_from} rows")
    print(
        f"equal to XGBoost bit for bit on {sum(certificate.rows.values()):,} rows, one at a time and in batches "
        f"({', '.join(certificate.instruction_sets)}), and to its scikit-learn wrapper on {certificate.wrapper_rows:,}"
    )
    if not model.uncertainty:
        print("no sets, intervals or distances: answers have nothing to judge them by; --rows gives them")


def _build(
    model: CompilableModel, compiler: Compiler, pinned: Tuning | None, emit_c: Path | None
) -> tuple[bytes, Tuning]:
    with_tl2cgen = pinned.one_row == "tl2cgen" if pinned else worth_trying_tl2cgen(model)
    with tempfile.TemporaryDirectory(prefix="compile-") as name:
        directory = Path(name)
        layout = write_source(model, directory, with_tl2cgen)
        if emit_c:
            _copy_source(directory, emit_c)
        build = Build(compiler, directory, layout, with_tl2cgen)
        tuning = pinned or tune(build, model)
        return build.library(tuning), tuning


def _certify(image: bytes, model: CompilableModel, training_rows: Rows | None) -> Certificate:
    library = Library(image)
    parity = certify(library, model, training_rows)
    return Certificate(
        model_sha256=Digest.of(model.data).sha256,
        library_sha256=Digest.of(image).sha256,
        xgboost_version=xgboost.__version__,
        rows=parity.rows,
        worst_probability_ulp=parity.worst,
        instruction_sets=INSTRUCTION_SETS[: library.instruction_sets],
        processor=processor_name(),
        judged=parity.judged,
        wrapper_rows=parity.wrapped,
    )


def _target(
    compiler: Compiler, tuning: Tuning, image: bytes, certificate: Certificate
) -> tuple[PlatformBuild, dict[str, bytes]]:
    """Return this platform's part of the manifest, and its files."""
    library_file = f"libmodel-{platform_name()}{compiler.library_suffix}"
    encoded = encode(certificate)
    target = PlatformBuild(
        library=library_file,
        certificate=certificate_file(platform_name()),
        certificate_sha256=Digest.of(encoded).sha256,
        toolchain=_toolchain(compiler),
        tuning=tuning,
    )
    return target, {library_file: image, target.certificate: encoded}


def _copy_source(directory: Path, destination: Path) -> None:
    try:
        shutil.copytree(directory, destination, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise Refusal(f"cannot write the C to {destination}: {error}; choose another --emit-c") from error


def _toolchain(compiler: Compiler) -> Toolchain:
    versions = {module.__name__: module.__version__ for module in (xgboost, treelite, tl2cgen)}
    return Toolchain(compiler.version, (*compiler.compile_flags, *compiler.link_flags), versions)


if __name__ == "__main__":
    sys.exit(main())
