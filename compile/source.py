"""The C of a model: what Treelite and tl2cgen write, made exact, beside our own library.c."""

import contextlib
import io
import math
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tl2cgen
import treelite

from compile.booster import TRANSFORMS, Model
from compile.expression import Expression, literal
from compile.layout import write_layout
from compile.reference import reference_c
from contract.features import MEASUREMENT_NAMES, derive
from contract.manifest import CONTRACT, Interface
from contract.refusal import Refusal

NATIVE = Path(__file__).parent / "native"
TREE_UNITS = ("main.c", "tu*.c")  # what tl2cgen calls its files
NODES_PER_UNIT = 8_000  # of one translation unit: compilers take more than linear time over larger ones

_LEAF = re.compile(r"^(\s*result\[\d+\] \+= )(-?[0-9][0-9.e+-]*);$", re.MULTILINE)
_BASE_SCORES = re.compile(r"// Apply base_scores\n(\s*result\[\d+\] \+= 0;\n)+")


def write_source(model: Model, directory: Path, with_tl2cgen: bool) -> None:
    """Write all C of the model into an empty directory, tl2cgen's where it is wanted."""
    if with_tl2cgen:
        _write_trees(model, directory)
    macros, data = write_layout(model)
    (directory / "model.h").write_text(_model_header(model, macros), encoding="ascii")
    (directory / "model_data.c").write_text(data, encoding="ascii")
    for file in sorted(NATIVE.iterdir()):
        shutil.copyfile(file, directory / file.name)


def _write_trees(model: Model, directory: Path) -> None:
    trees = treelite.frontend.from_xgboost(model.booster)
    # The bases are added first, by library.c: tl2cgen would add them last, in another order than XGBoost.
    header = trees.get_header_accessor()
    header.set_field("base_scores", np.zeros_like(header.get_field("base_scores")))
    units = math.ceil(model.trees.nodes / NODES_PER_UNIT)
    with quiet():
        tl2cgen.generate_c_code(trees, directory, {"parallel_comp": units if units > 1 else 0})
    (directory / "recipe.json").unlink()
    leaves = 0
    for file in (file for pattern in TREE_UNITS for file in directory.glob(pattern)):
        text, count = make_exact(file.read_text(encoding="ascii"))
        file.write_text(text, encoding="ascii")
        leaves += count
    expected = (model.trees.nodes + model.trees.count) // 2  # a binary tree of n nodes has (n + 1) / 2 leaves
    if leaves != expected:
        raise Refusal(f"tl2cgen wrote {leaves} leaves where the model has {expected}; install the locked version")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep off the terminal what tl2cgen says on every run: its progress, and that Treelite is newer than its own.

    What matters comes as an exception, and the parity check judges the result. The notice of the version is written
    by native code, past sys.stderr.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with Path(os.devnull).open("wb") as null, contextlib.redirect_stdout(io.StringIO()):
        os.dup2(null.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def make_exact(text: str) -> tuple[str, int]:
    """Make tl2cgen's sums XGBoost's: float32 throughout. Returns the text and the number of leaves in it.

    tl2cgen writes `result[0] += 0.1`: a double, so the sum is rounded from double precision, and one in eight differs
    from float32 addition in its last bit. It also adds base scores of 0 at the end, which turns -0 into +0.
    """
    return _LEAF.subn(lambda match: f"{match[1]}{_float_literal(match[2])};", _BASE_SCORES.sub("", text))


def _float_literal(decimal: str) -> str:
    return decimal + ("f" if "." in decimal or "e" in decimal else ".0f")


def _model_header(model: Model, macros: str) -> str:
    interface, base = model.interface, model.trees.base_margins
    return "\n".join(
        (
            "#ifndef MODEL_H",
            "#define MODEL_H",
            "#include <stdint.h>",
            f"#define MEASUREMENT_COUNT {len(interface.measurements)}",
            f"#define FEATURE_COUNT {len(interface.features)}",
            f"#define OUTPUT_COUNT {len(base)}",
            f"#define LABEL_FROM {'margin' if model.trees.objective == 'multi:softmax' else 'probability'}",
            f"#define TRANSFORM {TRANSFORMS[model.trees.objective]}",
            macros,
            f"static const float BASE_MARGINS[OUTPUT_COUNT] = {{{', '.join(map(literal, base))}}};",
            "static inline void derive_features(const float *measurement, float *feature) {",
            *(f"    feature[{i}] = {text};" for i, text in enumerate(_feature_expressions(interface, ""))),
            "}",
            reference_c(model.reference),
            "#define DERIVE_COLUMNS(measurement, feature, i) \\",
            *(f"    feature[{i}][i] = {text}; \\" for i, text in enumerate(_feature_expressions(interface, "[i]"))),
            "",
            "#endif",
            "",
        )
    )


def _feature_expressions(interface: Interface, index: str) -> list[str]:
    columns = {name: Expression(f"measurement[{i}]{index}") for i, name in enumerate(interface.measurements)}
    if interface != CONTRACT:
        return [column.text for column in columns.values()]
    assert tuple(columns) == MEASUREMENT_NAMES
    return [column.text for column in derive(columns)]
