"""The data card of the Palmer penguins: where the birds come from, and how many there are of each kind."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from io import StringIO

from cards.front_matter import Value, front_matter
from cards.markdown import bullets, code, heading, joined, plain, table
from cards.story import Licence
from contract.training import TrainingSummary
from train.card import CITATION
from train.contract import CLASSES, CONTRACT
from train.penguins import GROUPS, MISSING, NOT_RECORDED

CC0 = Licence("cc0-1.0", "CC0 1.0, public domain", "https://creativecommons.org/publicdomain/zero/1.0/")
SMALL, THOUSAND = "n<1K", 1_000

Birds = Sequence[Mapping[str, str]]  # by column, as the file has it


def data_card(data: bytes, summary: TrainingSummary) -> str:
    """Return the card in Markdown. `data` is the CSV file that the summary describes; `train.penguins` checked it."""
    birds = list(csv.DictReader(StringIO(data.decode("utf-8-sig"), newline="")))
    years = sorted({bird["year"] for bird in birds})
    islands = sorted({bird["island"] for bird in birds})
    return front_matter(_metadata(birds)) + joined(
        [
            heading(1, "Data card: the Palmer penguins"),
            f"{len(birds)} adult penguins of {len(CLASSES)} species, measured on {len(islands)} islands of the Palmer "
            f"Archipelago, Antarctica ({', '.join(islands)}), {years[0]} to {years[-1]}. The "
            "[model card](model_card.md) says what was made of them.",
            heading(2, "Where they come from"),
            "The birds were measured at their nests for a study of differences between the sexes (Gorman, Williams & "
            "Fraser 2014), in work of the Palmer Station Long Term Ecological Research programme. The R package "
            "palmerpenguins (Horst, Hill & Gorman 2020) made a data set for teaching of it.",
            f"The file is the unchanged `penguins.csv` of the Python package palmerpenguins. Its SHA-256 is "
            f"{code(summary.data_sha256)}; training refuses another file.",
            heading(2, "What was measured"),
            _ranges(summary),
            "The units and the bounds are those of the contract. The deviation is that of a sample.",
            heading(2, "How many birds there are"),
            *(part for column in GROUPS for part in _counts(birds, column)),
            heading(2, "What is missing"),
            bullets(_missing(birds, summary)),
            heading(2, "What to keep in mind"),
            bullets(_cautions(birds)),
            heading(2, "Licence"),
            f"[{CC0.name}]({CC0.url}): anybody may use the data for anything.",
            heading(2, "How to cite"),
            CITATION,
        ]
    )


def _metadata(birds: Birds) -> dict[str, Value]:
    """Return the front matter, as the Hugging Face Hub specifies that of data set cards."""
    assert len(birds) < THOUSAND
    return {
        "language": ["en"],
        "license": CC0.identifier,
        "pretty_name": "Palmer penguins",
        "size_categories": [SMALL],
        "task_categories": ["tabular-classification"],
        "annotations_creators": ["expert-generated"],
        "source_datasets": ["original"],
        "tags": ["tabular", "biology", "penguins"],
    }


def _ranges(summary: TrainingSummary) -> str:
    rows = []
    for each in CONTRACT.inputs:
        found = summary.measurement_ranges[each.name]
        numbers = (found.minimum, found.maximum, found.mean, found.deviation)
        rows.append(
            (code(each.name), plain(each.description), plain(each.unit), *(f"{value:,.1f}" for value in numbers))
        )
    return table(("measurement", "what", "unit", "least", "most", "mean", "deviation"), rows, 4)


def _counts(birds: Birds, column: str) -> list[str]:
    """Return a table of the birds of each species by a column that the model does not see."""
    counts = Counter((bird[column], bird[CONTRACT.output.label]) for bird in birds)
    values = sorted({value for value, _ in counts}, key=lambda value: (value in MISSING, value))
    rows = []
    for value in values:
        each = [counts[value, species] for species in CLASSES]
        rows.append((NOT_RECORDED if value in MISSING else plain(value), *map(str, each), str(sum(each))))
    return [heading(3, column.capitalize()), table((column, *CLASSES, "all"), rows, len(CLASSES) + 1)]


def _missing(birds: Birds, summary: TrainingSummary) -> list[str]:
    absent = {column: sum(bird[column] in MISSING for bird in birds) for column in (*CONTRACT.input_names, *GROUPS)}
    return [
        *(f"{code(column)}: {count} of {len(birds)}" for column, count in absent.items() if count),
        f"{summary.rows_dropped} birds without measurements were left out of the training, which leaves "
        f"{summary.rows_trained}.",
    ]


def _cautions(birds: Birds) -> list[str]:
    """Return what somebody should know who uses the data. What is said of islands is counted."""
    everywhere = set.intersection(*({bird["island"] for bird in birds if bird["species"] == each} for each in CLASSES))
    only = [
        f"{each} on {', '.join(sorted(found))}"
        for each in CLASSES
        if len(found := {bird["island"] for bird in birds if bird["species"] == each}) == 1
    ]
    together = "no island has all three" if not everywhere else f"all three nest on {', '.join(sorted(everywhere))}"
    return [
        f"Species and island go together: {'; '.join(only)}; {together}. So the island tells much of the species, and "
        "the model does not see it.",
        "Birds were measured in pairs, male and female, at nests with eggs: both sexes are about equally many, and "
        "chicks, juveniles and birds without a nest are not there.",
        "One archipelago and three seasons say little about other places and times.",
        "The data say how birds were measured, not how well: there is no second measurement of the same bird.",
        "They are about birds. No person can be recognised in them.",
    ]
