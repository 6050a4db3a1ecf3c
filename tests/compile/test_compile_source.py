from hypothesis import given
from hypothesis import strategies as st

from compile.source import make_exact


def test_leaves_become_float32_and_late_bases_go() -> None:
    """The C sums in float32 throughout, as XGBoost does."""
    text = (
        "  result[0] += 0.1;\n    result[12] += -1;\n  // Apply base_scores\n  result[0] += 0;\n  result[1] += 0;\n  x"
    )
    assert make_exact(text) == ("  result[0] += 0.1f;\n    result[12] += -1.0f;\n    x", 2)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_spelling_of_a_leaf_stays_its_value(leaf: float) -> None:
    """A leaf in any spelling is valid C of the same value."""
    for spelling in {repr(leaf), f"{leaf:g}", f"{leaf:.9g}", f"{leaf:.9e}"}:
        text, count = make_exact(f"result[0] += {spelling};\n")
        literal = text.removeprefix("result[0] += ").removesuffix(";\n")
        assert count == 1
        assert literal.endswith("f")
        assert set(".e") & set(literal)
        assert float(literal[:-1]) == float(spelling)
