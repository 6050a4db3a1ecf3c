"""The model card of the penguins' model: what only its makers can say about it."""

from cards.model_card import Known, model_card
from cards.story import Licence, Story
from contract.schema import listed
from contract.training import TrainingSummary
from contract.uncertainty import Uncertainty
from train.contract import CLASSES, CONTRACT

APACHE = Licence("apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0")
DATASET = "palmerpenguins"
# The references of CITATION.cff, in words: a test compares the two.
CITATION = """Cite the measurements and the data set:

- Gorman, Williams & Fraser (2014). Ecological sexual dimorphism and environmental variability within a community of
  Antarctic penguins (genus Pygoscelis). PLoS ONE 9(3): e90081.
  [doi:10.1371/journal.pone.0090081](https://doi.org/10.1371/journal.pone.0090081)
- Horst, Hill & Gorman (2020). palmerpenguins: Palmer Archipelago (Antarctica) penguin data. R package version 0.1.0.
  [doi:10.5281/zenodo.3960218](https://doi.org/10.5281/zenodo.3960218)

`CITATION.cff` in the repository of the code says how to cite the code."""

PURPOSE = (
    f"To name the species of an adult penguin of the Palmer Archipelago, one of {listed(CLASSES)}, from "
    f"{len(CONTRACT.inputs)} measurements.",
    "To show how a small classifier is trained, judged, compiled and served.",
)
NOT_FOR = (
    "Chicks and juveniles: all birds of the data are adults.",
    f"Any other species: the answer is always one of these {len(CLASSES)}. The distance warns of birds that are unlike "
    "all of them, but a bird of another species may be like one of them.",
    "Decisions about single birds on which something depends, such as permits: look at the bird, or at its genes.",
    "The sex, age or health of a bird.",
)


def penguin_card(summary: TrainingSummary, uncertainty: Uncertainty) -> str:
    """Return the model card in Markdown. The same arguments give the same text."""
    return model_card(CONTRACT, _story(summary), Known(summary.model_sha256, None, summary, None, uncertainty))


def _story(summary: TrainingSummary) -> Story:
    birds = f"{summary.rows_trained:,} birds"
    return Story(
        purpose=PURPOSE,
        not_for=NOT_FOR,
        limits=_limits(summary),
        data=(
            f"{birds} of the Palmer penguins: {_counts(summary)}. {summary.rows_dropped} of {summary.rows_read} birds "
            "were left out because they were not measured. The [data card](data_card.md) says more."
        ),
        licence=APACHE,
        datasets=(DATASET,),
        tags=("tabular", "biology", "penguins", "conformal-prediction"),
        citation=CITATION,
    )


def _counts(summary: TrainingSummary) -> str:
    return ", ".join(f"{count} {species}" for species, count in summary.species_counts.items())


def _limits(summary: TrainingSummary) -> tuple[str, ...]:
    """Return where the model may fail. Each figure is from the summary or the contract."""
    fewest = min(summary.species_counts, key=lambda species: summary.species_counts[species])
    errors = ", ".join(f"{each.in_unit(f'{each.error:g}')} for `{each.name}`" for each in CONTRACT.inputs)
    wrong = sum(sum(row) for row in summary.cross_validation.confusion) - sum(
        row[label] for label, row in enumerate(summary.cross_validation.confusion)
    )
    return (
        f"**Only these species.** Every bird gets one of {listed(CLASSES)}, whatever it is.",
        f"**Few birds.** {fewest} has {summary.species_counts[fewest]}. The figures rest on {wrong} wrong answers in "
        "all repeats: they may be quite different for the next hundred birds.",
        "**Parameters.** They were chosen by a cross-validation of the same birds, so the figures above are a little "
        "too good. `docs/classifier.md` has those of a nested one, which chooses without the birds that it judges.",
        f"**Measurement errors.** The errors of the contract, {errors}, are an assumption. A bird near a border gets "
        "another answer within them; `POST /explain` says which one.",
        "**Other colonies.** All birds nested on a few islands of one archipelago. Elsewhere birds of the same species "
        "may be larger or smaller.",
        "**Other years.** The seasons of the data are long past. If birds become larger or smaller, answers drift; the "
        "service compares what it is asked with the training data.",
        "**Pairs are split.** Birds were measured at nests, in pairs. Cross-validation splits birds, not "
        "nests, and so it may be a little too kind.",
    )
