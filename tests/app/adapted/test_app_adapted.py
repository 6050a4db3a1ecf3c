"""Answers, metrics, log and pages of a user's own model."""

import re

import msgspec
import numpy as np
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from contract.schema import Contract
from tests.app.adapted.own import Adapted
from tests.app.adapted.species import BIRD, MEGABYTE, REST, SPECIES, with_gape
from tests.support.browsing import opened, running_chromium
from tests.support.telemetry import checked, scrape, value

pytestmark = pytest.mark.long


def test_predictions_name_the_species_as_the_contract_does(own: Adapted) -> None:
    """Predictions list the contract's species in its order, and many different sets take no more memory."""
    chance, sets = np.random.default_rng(1), set()
    for _ in range(300):
        mass, gape = chance.uniform(1500, 9000), chance.uniform(0, 1)
        reply = own.service.predict({**BIRD, "body_mass_g": mass, "gape": gape})
        assert reply.status == 200
        found = reply.document
        assert tuple(found["probabilities"]) == SPECIES
        assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert found["species"] == SPECIES[found["prediction"]]
        members = [name for name, share in found["probabilities"].items() if share >= np.float32(1 / len(SPECIES))]
        assert found["prediction_set"] == members
        sets.add(tuple(found["prediction_set"]))
    assert len(sets) > 10
    assert value(own.figures(), "process_resident_memory_bytes") < 150 * MEGABYTE


def test_metrics_count_every_species_and_every_set(own: Adapted) -> None:
    """The metrics count every species under its escaped name, and every set in a bucket."""
    labels, asked = [], 0
    before = own.figures()
    for gape in (0, 0.1, 0.2, 0.3, 0.6, 0.9, 1):
        labels.append(own.service.predict({**BIRD, "gape": gape}).document["species"])
        asked += 1
    after = own.figures()
    for name in SPECIES:
        label = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        counted = [value(page, "penguins_predictions_total", species=label) for page in (before, after)]
        assert counted[1] - counted[0] == labels.count(name)
    count = [value(page, "penguins_prediction_set_size_count") for page in (before, after)]
    assert count[1] - count[0] == asked
    assert checked(scrape(own.metrics)) == ""


def test_the_log_has_a_line_for_each_request(own: Adapted) -> None:
    """Each request has one log line, although the name of a species has a line break."""
    own.service.predict(BIRD)
    own.figures()
    for line in own.log.read_text(encoding="utf-8").split("\n")[:-1]:
        assert re.match(r"\d\d:\d\d:\d\d (GET|POST) /\S* \d{3} ", line), line


@pytest.mark.parametrize("gape", [0, 0.25, 1])
def test_explanations_go_down_to_zero(own: Adapted, gape: float) -> None:
    """The service explains a bird whose share is zero, where a ratio is infinite."""
    reply = own.service.request("POST", "/explain", b'{"bill_length_mm":39.1,"gape":%g,' % gape + REST)
    assert reply.status == 200, reply.body
    found = reply.document
    assert tuple(found["contributions"]) == SPECIES
    for parts in found["contributions"].values():
        assert parts["bias"] + sum(parts["features"].values()) == pytest.approx(parts["margin"], abs=1e-5)
    for side in ("below", "above"):
        change = found["measurements"]["gape"][side]
        if change:
            moved = own.service.predict({**BIRD, "gape": change["value"]})
            assert moved.document["species"] == change["species"] != found["species"]


@pytest.mark.parametrize(
    ("gape", "told"),
    [
        (1000, "gape 1000 is more than 1, which no penguin has"),
        (None, "gape: expected a number, found null"),
        (-1, "gape: expected a number above zero, found -1"),
        ("missing", "gape is missing: expected a number"),
        (
            50,
            "gape 50 looks like a slipped decimal point: did you mean 0.5? "
            "gape 50 is more than 1, which no penguin has",
        ),
    ],
)
def test_a_measurement_without_a_unit_is_told_without_one(own: Adapted, gape: object, told: str) -> None:
    """A message about a measurement without a unit has no unit and no blank in its place."""
    bird = {name: number for name, number in {**BIRD, "gape": gape}.items() if number != "missing"}
    assert own.service.predict(bird).document["detail"] == told


def test_what_is_published_has_the_names(own: Adapted) -> None:
    """OpenAPI, GET /model and batches have the names of the contract, and no unit where it has none."""
    document = own.service.request("GET", "/openapi.json").document
    validate(document, cls=OpenAPIV31SpecValidator)
    schemas = document["components"]["schemas"]
    assert tuple(schemas["PredictionAnswer"]["properties"]["probabilities"]["properties"]) == SPECIES
    assert schemas["Measurements"]["properties"]["gape"]["x-unit"] == ""
    model = own.service.request("GET", "/model").document
    assert msgspec.convert(model["contract"], Contract) == with_gape()
    assert [each.get("unit", "") for each in model["contract"]["inputs"]] == ["mm", "", "mm", "g"]
    tensor = b'{"inputs":[{"name":"measurements","datatype":"FP32","shape":[1,4],"data":[39.1,0.5,181,3750]}]}'
    probabilities, label = own.service.request("POST", "/v2/models/penguin/infer", tensor).document["outputs"]
    assert probabilities["shape"] == [1, len(SPECIES)]
    assert label["data"] == [own.service.predict(BIRD).document["prediction"]]


def test_the_page_shows_names_and_no_unit(own: Adapted) -> None:
    """The page at /docs shows every name as text, whatever characters it has."""
    with running_chromium() as chromium, opened(chromium) as watched:
        page = watched.page
        page.goto(f"http://127.0.0.1:{own.service.port}/docs#predict")
        fields = page.locator("#predict .media").first.locator("li")
        assert fields.nth(0).inner_text().startswith(next(iter(BIRD)))
        assert "number, mm" in fields.nth(0).inner_text()
        assert "0 to 1" in fields.nth(1).inner_text()
        assert " mm" not in fields.nth(1).inner_text()
        page.get_by_role("button", name="Send", exact=True).click()
        shown = page.get_by_label("Body of the answer").inner_text()
        assert msgspec.json.decode(shown) == own.service.predict(BIRD).document
