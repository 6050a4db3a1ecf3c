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

from compile.data.layout import Layout, write_layout
from compile.expression import Expression, literal
from compile.reading.booster import CompilableModel
from compile.uncertainty import uncertainty_c
from contract.refusal import Refusal
from contract.schema import Contract

NATIVE = Path(__file__).parent / "native"
TREE_UNITS = ("main.c", "tu*.c")  # the names of tl2cgen's files
FEW_INPUTS = 32  # which are copied one by one: compilers make better code of that than of a loop
NODES_PER_UNIT = 8_000  # nodes in one translation unit; compilers take more than linear time for larger ones

_LEAF = re.compile(r"^(\s*result\[\d+\] \+= )(-?[0-9][0-9.e+-]*);$", re.MULTILINE)
_BASE_SCORES = re.compile(r"// Apply base_scores\n(\s*result\[\d+\] \+= 0;\n)+")


def write_source(model: CompilableModel, directory: Path, with_tl2cgen: bool) -> Layout:
    """Write all C of the model into an empty directory, and tl2cgen's C if it is wanted. Raises Refusal.

    Return what was written of the trees.
    """
    if with_tl2cgen:
        _write_trees(model, directory)
    layout = write_layout(model)
    for name, text in {"model.h": _model_header(model, layout.macros), **layout.files}.items():
        (directory / name).write_text(text, encoding="ascii")
    for file in sorted(NATIVE.iterdir()):
        shutil.copyfile(file, directory / file.name)
    return layout


def _write_trees(model: CompilableModel, directory: Path) -> None:
    if not model.for_tl2cgen:
        raise Refusal(
            "expected a model of one target and of an objective that Treelite knows, found another one, which tl2cgen "
            "cannot write; choose --one-row walk"
        )
    trees = treelite.frontend.from_xgboost(model.booster)
    # library.c adds the base scores first, as XGBoost does. tl2cgen would add them last.
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
    """Keep tl2cgen's output off the terminal: its progress, and that Treelite is newer than its own.

    Problems come as exceptions, and the parity check judges the result. Native code writes the notice of the version
    directly to descriptor 2, so redirecting sys.stderr is not enough.
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
    """Turn tl2cgen's sums into XGBoost's: float32 throughout. Return the text and its number of leaves.

    tl2cgen writes `result[0] += 0.1` with a double, so the sum is rounded from double precision, and one in eight
    differs from float32 addition in its last bit. It also adds base scores of 0 at the end, which turns -0 into +0.
    """
    return _LEAF.subn(lambda match: f"{match[1]}{_float_literal(match[2])};", _BASE_SCORES.sub("", text))


def _float_literal(decimal: str) -> str:
    return decimal + ("f" if "." in decimal or "e" in decimal else ".0f")


def _model_header(model: CompilableModel, macros: str) -> str:
    contract, base = model.contract, model.trees.base_margins
    present = "value" if model.missing is None else f"value == {literal(model.missing)} ? NAN : value"
    return "\n".join(
        (
            "#ifndef MODEL_H",
            "#define MODEL_H",
            "#include <math.h>",
            "#include <stdint.h>",
            f"#define MEASUREMENT_COUNT {len(contract.inputs)}",
            f"#define FEATURE_COUNT {len(contract.features)}",
            f"#define OUTPUT_COUNT {len(base)}",
            f"#define VALUE_COUNT {len(contract.output.values)}",
            f"#define LABEL_FROM_MARGIN {int(model.trees.objective == 'multi:softmax')}",
            f"#define TRANSFORM {model.transform}",
            macros,
            f"static const float BASE_MARGINS[OUTPUT_COUNT] = {{{', '.join(map(literal, base))}}};",
            f"static inline float present(float value) {{ return {present}; }}",
            *_derivation(contract),
            uncertainty_c(model.uncertainty, contract),
            "",
            "#endif",
            "",
        )
    )


def _derivation(contract: Contract) -> Iterator[str]:
    """Yield the C of the features: the inputs, then what is derived from them.

    DERIVE_COLUMNS computes the latter for row i of a block of columns, whose first ones are the inputs.
    """
    count = len(contract.inputs)
    yield "static inline void derive_features(const float *measurement, float *feature) {"
    if count <= FEW_INPUTS:
        yield from (f"    feature[{i}] = present(measurement[{i}]);" for i in range(count))
    else:
        yield "    for (int i = 0; i < MEASUREMENT_COUNT; i++) feature[i] = present(measurement[i]);"
    yield from (f"    feature[{i}] = {text};" for i, text in _derived(contract, "present(measurement[{}])"))
    yield "}"
    if contract.derived:
        yield "#define DERIVE_COLUMNS(feature, i) \\"
        yield from (f"    feature[{i}][i] = {text}; \\" for i, text in _derived(contract, "feature[{}][i]"))
        yield ""


def _derived(contract: Contract, column: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each derived feature and its expression in C. `column` is that of an input by its number."""
    columns = {name: Expression(column.format(i)) for i, name in enumerate(contract.input_names)}
    for i, feature in enumerate(contract.derive(columns)[len(columns) :], len(columns)):
        yield i, feature.text
