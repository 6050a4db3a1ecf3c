"""The proof that a library answers as XGBoost does: which rows were compared, on which instruction sets."""

import msgspec


class Certificate(msgspec.Struct, frozen=True):
    """The result of a parity check. It holds only for the model and the library whose SHA-256 it names.

    On every row the margins were equal to XGBoost's bit for bit, and the labels were equal. The probabilities differed
    by at most `worst_probability_ulp` float32 steps. `rows` counts the compared rows by kind. Each row was compared one
    at a time and in batches, on the best of `instruction_sets`. On the others it was compared in batches, and the first
    rows of each kind one at a time, too.

    On `judged` of these rows, distances were also equal bit for bit to float32 arithmetic in numpy, and so were
    prediction sets and whether a row is in distribution. 0 means that the model has no uncertainty
    (contract/uncertainty.py).

    On `wrapper_rows` of these rows, a fresh XGBClassifier or XGBRegressor that loaded the model's file gave the same
    margins, labels and probabilities. 0 means that the certificate is older than this comparison.
    """

    model_sha256: str
    library_sha256: str
    xgboost_version: str
    rows: dict[str, int]
    worst_probability_ulp: int
    instruction_sets: tuple[str, ...]
    processor: str
    judged: int = 0
    wrapper_rows: int = 0


def certificate_file(platform: str) -> str:
    """Return the certificate's file name in a bundle. A bundle has one certificate for each platform."""
    return f"certificate-{platform}.json"


INSTRUCTION_SETS = (
    "baseline",
    "AVX2",
    "AVX-512",
    "AVX-512 VBMI",
)  # in the order in which compile/native/library.h numbers them
