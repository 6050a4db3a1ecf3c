"""A model with categories, from its file to answers over HTTP: clients send the texts of their table."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from compile.certification.probes import Rows
from tests.compile.categories import Grown, with_categories
from tests.support.commands import run_module
from tests.support.service import Service, serving

pytestmark = pytest.mark.long

ISLANDS = ("Biscoe", "Dream", "Torgersen", "Ross, or Ross", "Île des Pétrels", "=1+1")
SHIFTS = (7, 15, 23)
NAMES = ("island", "mass", "shift")
PINNED = ("--one-row", "walk", "--block-from", "64")  # do not measure
GROWN = Grown(counts=(len(ISLANDS), 0, len(SHIFTS)), parameters={"max_cat_to_onehot": 1}, rounds=20)


class Model(NamedTuple):
    """A model's file, a table that it has not seen as clients send it, and the probabilities of the second class."""

    path: Path
    documents: list[dict[str, Any]]
    expected: Rows


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    booster, rows = GROWN.booster(), GROWN.rows(300, 9)
    booster.feature_names = list(NAMES)
    path = tmp_path_factory.mktemp("own") / "birds.json"
    booster.save_model(path)
    with_categories(path, [ISLANDS, (), SHIFTS])
    booster.feature_names = None
    values = (ISLANDS, None, SHIFTS)
    documents = [
        {
            name: None if number != number else (known[int(number)] if known else float(number))
            for name, number, known in zip(NAMES, row, values, strict=True)
        }
        for row in rows
    ]
    return Model(path, documents, booster.predict(GROWN.matrix(rows)))


@pytest.fixture(scope="module")
def service(model: Model) -> Iterator[Service]:
    table = model.path.with_name("birds.csv")
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*NAMES, "wild"])
        writer.writeheader()
        for number, document in enumerate(model.documents):
            writer.writerow({**document, "wild": number % 2})
    bundle = model.path.with_name("bundle")
    ran = run_module("compile", model.path, "--out", bundle, "--rows", table, "--target", "wild", *PINNED)
    assert ran.returncode == 0, ran.stderr
    with serving(bundle) as running:
        yield running


def test_texts_get_the_booster_s_probabilities(model: Model, service: Service) -> None:
    """Each row of the table, with its texts, integers and missing values, is answered bit for bit."""
    replies = [service.predict(document) for document in model.documents]
    assert {reply.status for reply in replies} == {200}, replies[0].body
    found = np.array([list(reply.document["probabilities"].values())[1] for reply in replies], np.float32)
    assert np.array_equal(found, model.expected)


def test_what_was_never_seen_is_refused_with_what_is_known(service: Service) -> None:
    """An unknown category gets 422, which lists those that are known and asks about the one that is close."""
    reply = service.predict({"island": "Torgerson", "mass": 1.0, "shift": 7})
    assert reply.status == 422
    assert "did you mean 'Torgersen'?" in reply.document["detail"]
    assert service.predict({"island": "Dream", "mass": 1.0, "shift": 8}).status == 422


def test_a_contract_may_take_it_as_missing(model: Model, tmp_path: Path) -> None:
    """With `unseen = "missing"` an unknown category is answered as a missing one."""
    printed = run_module("contract", model.path)
    assert printed.returncode == 0, printed.stderr
    contract = tmp_path / "birds.toml"
    contract.write_text(printed.stdout.replace('kind = "category"', 'kind = "category"\nunseen = "missing"'), "utf-8")
    ran = run_module("compile", model.path, "--out", tmp_path / "bundle", "--contract", contract, *PINNED)
    assert ran.returncode == 0, ran.stderr
    with serving(tmp_path / "bundle") as service:
        unseen, missing = (service.predict({"island": each, "mass": 0.5, "shift": 7}) for each in ("Ross", None))
        assert unseen.status == 200
        assert json.loads(unseen.body) == json.loads(missing.body)
