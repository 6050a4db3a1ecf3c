"""The proof that a library answers as XGBoost does: what was asked, through which entry, on which instruction sets."""

import msgspec


class Certificate(msgspec.Struct, frozen=True):
    """Holds for exactly the model and the library whose SHA-256 it names.

    On every row margins were equal to XGBoost's bit for bit, and labels equal; probabilities differed by at most
    `worst_probability_ulp` float32 steps. `rows` counts what was asked, by kind: each row was asked one at a time and
    in batches, on every one of `instruction_sets`. On `judged` of these rows distances were equal to float32
    arithmetic in numpy bit for bit, and whether they are in distribution, and prediction sets; 0: it has no reference.
    """

    model_sha256: str
    library_sha256: str
    xgboost_version: str
    rows: dict[str, int]
    worst_probability_ulp: int
    instruction_sets: tuple[str, ...]
    processor: str
    judged: int = 0


def certificate_file(platform: str) -> str:
    """Its name in a bundle, which may hold libraries, and so certificates, for several platforms."""
    return f"certificate-{platform}.json"


INSTRUCTION_SETS = ("baseline", "AVX2", "AVX-512")  # as compile/native/library.h numbers them
