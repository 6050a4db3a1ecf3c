"""What can be asked for on the command line. Imports nothing that starts threads: see __main__.py."""

import msgspec

OURS = "ours"
CONTENDERS = (  # modules of benchmarks.contenders
    OURS,
    "xgb_classifier",
    "booster_dmatrix",
    "inplace_predict",
    "treelite_gtil",
    "tl2cgen_predictor",
    "onnxruntime_session",
)

JSON = "json"  # a batch of its own: one JSON body to one JSON answer
BATCHES = (JSON, "1", "16", "256", "4096", "65536")
QUICK_BATCHES = BATCHES[:-1]


class Synthetic(msgspec.Struct, frozen=True):
    """A seeded binary classifier on 28 features. `missing` is the share of values that are NaN."""

    name: str
    trees: int
    depth: int
    missing: float = 0.0


PENGUIN = "penguin"
SYNTHETIC = (
    Synthetic("100x6", 100, 6),
    Synthetic("500x6", 500, 6),
    Synthetic("500x8", 500, 8),
    Synthetic("1000x6", 1000, 6),
    Synthetic("300x6-missing", 300, 6, missing=0.2),
)
MODELS = (PENGUIN, *(synthetic.name for synthetic in SYNTHETIC))


class Effort(msgspec.Struct, frozen=True):
    """How long one cell, a model and a batch, is measured: rounds until `seconds` are spent, within the limits.

    Who needs more than `slowest_call` seconds for one call is left out of the cell.
    """

    seconds: float
    least_rounds: int
    most_rounds: int
    slowest_call: float = 4.0


FULL = Effort(seconds=3.0, least_rounds=5, most_rounds=61)
QUICK = Effort(seconds=0.7, least_rounds=3, most_rounds=15)


class Plan(msgspec.Struct, frozen=True):
    """What one run measures."""

    models: tuple[str, ...] = MODELS
    contenders: tuple[str, ...] = CONTENDERS
    batches: tuple[str, ...] = BATCHES
    effort: Effort = FULL

    @property
    def complete(self) -> bool:
        """All there is, long enough to publish."""
        return self == Plan()
