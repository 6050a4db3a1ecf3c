"""The model card: what a model is for, how good it is, where it fails, and how it was made.

It has the sections that Mitchell and others ask for ("Model Cards for Model Reporting", 2019). It says nothing that
depends on the machine that compiles the model: a bundle for several platforms has one card.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from cards import figures, judging
from cards.front_matter import MODEL_KEY, Scalar, Value, front_matter
from cards.markdown import bullets, code, heading, joined, plain, table
from cards.story import Story
from contract.manifest import Trees
from contract.schema import Contract, Input
from contract.training import HoldOut, TrainingSummary
from contract.uncertainty import Uncertainty

TASKS = {"classes": "classification", "label": "classification", "number": "regression", "numbers": "regression"}
MAX_INPUTS = 100  # of the table; some models have thousands
NO_FIGURES = "No figures are known: the model came without rows that it had not seen."


class Known(NamedTuple):
    """What is known about a model besides its contract. What is not known is None."""

    model_sha256: str
    trees: Trees | None = None
    training: TrainingSummary | None = None
    holdout: HoldOut | None = None
    uncertainty: Uncertainty | None = None


def model_card(contract: Contract, story: Story, known: Known) -> str:
    """Return the card in Markdown. The same arguments give the same text."""
    title = contract.title or contract.name
    return front_matter(_metadata(contract, story, known)) + joined(
        [
            heading(1, f"Model card: {plain(title)}"),
            plain(contract.summary or f"The answers of the model {contract.name}."),
            *_use(contract, story),
            *_inputs(contract),
            *_data(story),
            heading(2, "Figures"),
            *(figures.sections(contract, known.training, known.holdout) or [NO_FIGURES]),
            *judging.sections(contract, known.uncertainty),
            heading(2, "Limits"),
            bullets(story.limits),
            *_making(known),
            *_licence(story),
        ]
    )


def _metadata(contract: Contract, story: Story, known: Known) -> dict[str, Value]:
    """Return the front matter, as the Hugging Face Hub specifies that of model cards."""
    found: dict[str, Value] = {"language": ["en"]}
    if story.licence:
        found["license"] = story.licence.identifier
    found["library_name"] = "xgboost"
    found["pipeline_tag"] = f"tabular-{TASKS[contract.output.kind]}"
    found["tags"] = ["xgboost", *story.tags]
    if story.datasets:
        found["datasets"] = list(story.datasets)
    results = figures.results(known.training, known.holdout)
    if results:
        found["metrics"] = [str(each["type"]) for each in results]
        found["model-index"] = [{"name": contract.name, "results": [_result(contract, story, known, results)]}]
    found[MODEL_KEY] = known.model_sha256
    return found


def _result(contract: Contract, story: Story, known: Known, results: list[dict[str, Scalar]]) -> dict[str, Value]:
    name = story.datasets[0] if story.datasets else "held-out rows"
    split = "cross-validation" if known.training else "test"
    return {
        "task": {"type": f"tabular-{TASKS[contract.output.kind]}"},
        "dataset": {"type": name, "name": name, "split": split},
        "metrics": results,
    }


def _use(contract: Contract, story: Story) -> list[str]:
    """Return what the model is for, and what it is not for."""
    silent = f"It answers for one {plain(contract.row)} at a time; its owner did not say what for."
    parts = [heading(2, "What it is for"), bullets(story.purpose) or silent]
    return parts + ([heading(2, "What it is not for"), bullets(story.not_for)] if story.not_for else [])


def _inputs(contract: Contract) -> list[str]:
    output = contract.output
    answers = {
        "classes": f"The answer is a probability for each {plain(output.label)}: {_listed(output.classes)}.",
        "label": f"The answer is a {plain(output.label)}: {_listed(output.classes)}.",
        "number": f"The answer is a number{_unit(output.unit)}.",
        "numbers": f"The answer is a number{_unit(output.unit)} for each of {_listed(output.values)}.",
    }
    header = ("input", "kind", "unit", "accepted", "typical", "error")
    more, features = len(contract.inputs) - MAX_INPUTS, _listed_code(contract.features)
    return [
        heading(2, "What it is asked, and what it answers"),
        answers[output.kind],
        table(header, map(_input, contract.inputs[:MAX_INPUTS])),
        f"There are {more:,} more inputs: GET /model has all of them." if more > 0 else "",
        f"The trees see {len(contract.features):,} features: {features}." if contract.derived else "",
        "A value outside of what is accepted is refused. The error is how far two people who measure may differ.",
    ]


def _input(each: Input) -> tuple[str, ...]:
    accepted = {"boolean": "true or false", "category": _listed(each.categories)}.get(each.kind, _range(each))
    typical = f"{each.typical[0]:g} to {each.typical[1]:g}" if each.typical else ""
    missing = ", or missing" if each.missing else ""
    error = f"{each.error:g}" if each.error else ""
    return code(each.name), each.kind, plain(each.unit), accepted + missing, typical, error


def _range(each: Input) -> str:
    low, high = each.bounds
    if low == -inf:
        return "any" if high == inf else f"at most {high:g}"
    return f"at least {low:g}" if high == inf else f"{low:g} to {high:g}"


def _listed(names: Sequence[str | int]) -> str:
    return ", ".join(plain(str(name)) for name in names)


def _listed_code(names: Sequence[str]) -> str:
    return ", ".join(map(code, names[:MAX_INPUTS])) + (" and more" if len(names) > MAX_INPUTS else "")


def _unit(unit: str) -> str:
    return f" in {plain(unit)}" if unit else ""


def _data(story: Story) -> list[str]:
    said = story.data or "It was made without training data here: nothing is known of the rows that it was trained on."
    return [heading(2, "Data"), said]


def _making(known: Known) -> list[str]:
    """Return how the model was made: parameters, versions, digests."""
    training, trees = known.training, known.trees
    rows = [("SHA-256 of the model's file", code(known.model_sha256))]
    if trees:
        rows += [("objective", code(trees.objective)), ("trees", f"{trees.count:,}"), ("depth", str(trees.depth))]
    if training:
        rows += [
            ("SHA-256 of the data", code(training.data_sha256)),
            ("XGBoost", training.xgboost_version),
            ("rounds", str(training.rounds)),
            *((code(name), code(str(value))) for name, value in training.parameters.items()),
        ]
    parts = [heading(2, "How it was made"), table(("what", "value"), rows)]
    if training:
        parts.append("The same data and the same version of XGBoost give the same bytes, with any number of threads.")
    return parts


def _licence(story: Story) -> list[str]:
    found = story.licence
    said = (
        f"[{plain(found.name)}]({found.url})." if found else "Its owner did not say under which licence it may be used."
    )
    cited = [heading(2, "How to cite"), story.citation] if story.citation else []
    return [heading(2, "Licence"), said, *cited]
