"""The contract of a service: that of its first bundle. Another one is refused by name, and the service goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.model.challenger import Challenger
from app.model.serving import Serving
from bundle.signing.private import SigningKey
from contract.manifest import MANIFEST_FILE, decode_manifest
from score.bundle import Bundle
from tests.app.model.contracts import Edit, recontracted
from tests.support.apples import APPLE, Compiled
from tests.support.commands import EXAMPLE
from tests.support.format_2 import make_format_2
from tests.support.inference import INFER, tensor
from tests.support.inference import request as inference
from tests.support.releases import (
    FAST,
    Release,
    Shop,
    assert_serves,
    assert_unready,
    said,
    sign_copy,
    until_ready,
    until_served,
)
from tests.support.requests import BIRD
from tests.support.service import APP, serving
from tests.support.telemetry import eventually, free_port, samples, scrape, value


@pytest.fixture(scope="module")
def apple(
    apples: Callable[[str], Compiled], tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey
) -> Release:
    """Sign the model of apples."""
    return sign_copy(apples("classes").bundle_path, tmp_path_factory.mktemp("apple") / "bundle", signing_key)


OTHERS: dict[str, tuple[Edit, str]] = {
    "bound": (
        lambda c: c["inputs"][0].update(minimum=10),
        "expected minimum of input 'bill_length_mm' to be 20; found 10",
    ),
    "unit": (lambda c: c["inputs"][3].update(unit="kg"), "expected unit of input 'body_mass_g' to be 'g'; found 'kg'"),
    "order": (
        lambda c: c["output"].update(classes=["Adelie", "Chinstrap", "Gentoo"]),
        "expected output classes Gentoo, Chinstrap, Adelie; found Adelie, Chinstrap, Gentoo",
    ),
    "missing": (
        lambda c: c["inputs"][1].update(missing=True),
        "expected missing of input 'bill_depth_mm' to be False; found True",
    ),
}


def test_a_channel_that_turns_to_another_model_is_not_followed(
    shop: Shop, first: Release, second: Release, apple: Release
) -> None:
    """A bundle of another contract is refused by name and counted; the service goes on, and follows later."""
    metrics = free_port()
    shop.publish(second)
    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(**FAST, METRICS_PORT=str(metrics))) as service:
        until_ready(service)
        shop.release(apple)
        line = said(service, r"poll refused \(contract\)")
        assert "has another contract than the one that this service began with" in line
        assert "expected inputs bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g; found weight" in line
        assert "start a service for the new contract, or publish a model of the old one" in line
        assert f"goes on with {first.digest[:16]}" in line
        assert_serves(service, first)
        labels = {"role": "bundle", "stage": "poll", "outcome": "contract"}
        eventually(lambda: value(samples(scrape(metrics)), "penguins_bundle_outcomes_total", **labels) > 0)
        shop.promote(second)
        until_served(service, second)


@pytest.mark.parametrize("change", OTHERS)
def test_a_model_that_clients_would_not_know_is_refused(
    shop: Shop, first: Release, signing_key: SigningKey, tmp_path: Path, change: str
) -> None:
    """Another bound, unit, order of classes or rule for missing values is another contract."""
    edit, told = OTHERS[change]
    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(**FAST)) as service:
        until_ready(service)
        shop.release(recontracted(first, tmp_path / "other", signing_key, edit))
        assert told in said(service, r"poll refused \(contract\)")
        assert_serves(service, first)


def test_texts_typical_values_and_errors_may_change(
    shop: Shop, first: Release, signing_key: SigningKey, tmp_path: Path
) -> None:
    """A bundle with other texts, typical ranges and errors has the same contract, and brings its own."""

    def edit(contract: dict[str, object]) -> None:
        contract.update(title="Birds", subject="bird")
        inputs = contract["inputs"]
        assert isinstance(inputs, list)
        inputs[0].update(error=1, typical=[30, 70], description="Another text")

    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(**FAST)) as service:
        until_ready(service)
        other = recontracted(first, tmp_path / "texts", signing_key, edit)
        shop.release(other)
        until_served(service, other)
        assert service.request("GET", "/openapi.json").document["info"]["title"] == "Birds"
        assert service.predict({**EXAMPLE, "body_mass_g": 9001}).document["detail"].endswith("which no bird has")
        explained = service.request("POST", "/explain", BIRD).document
        assert explained["measurements"]["bill_length_mm"]["measurement_error"] == 1


def test_a_bundle_of_another_name_is_refused_at_the_start(bundle_path: Path, shop: Shop, first: Release) -> None:
    """MODEL_NAME is the name that the bundle's contract must have, in a directory and in a store."""
    with serving(bundle_path, APP, MODEL_NAME="apple") as service:
        assert_unready(service, "expected the model apple (MODEL_NAME), found penguin", retried=False)
    with serving(bundle_path, APP, MODEL_NAME="penguin") as service:
        assert service.predict(EXAMPLE).status == 200
    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(MODEL_NAME="apple")) as service:
        said(service, r"fetch refused \(contract\)")
        assert_unready(service, "expected the model apple (MODEL_NAME), found penguin")


@pytest.mark.parametrize("name", ["", "apple"])
def test_the_image_s_bundle_stands_in_for_no_other_model(shop: Shop, bundle_path: Path, name: str) -> None:
    """The bundle in the image is not served if MODEL_NAME is absent or another name: nobody may get its answers."""
    environment = shop.environment(BAKED_BUNDLE=str(bundle_path), MODEL_NAME=name)
    with serving(shop.stable, APP, **environment) as service:
        if name:
            said(service, r"baked refused \(contract\): .*expected the model apple \(MODEL_NAME\), found penguin")
        said(service, r"fetch refused \(missing\)")
        assert_unready(service, "fetch refused (missing)")


def test_a_fallback_does_not_bind_the_service(
    shop: Shop, bundle_path: Path, first: Release, signing_key: SigningKey, tmp_path: Path
) -> None:
    """The contract is that of the configured bundle: it replaces a fallback whose bounds are others."""
    wider = recontracted(first, tmp_path / "wider", signing_key, OTHERS["bound"][0])
    environment = shop.environment(**FAST, BAKED_BUNDLE=str(bundle_path), MODEL_NAME="penguin")
    with serving(shop.stable, APP, **environment) as service:
        until_ready(service)
        assert service.predict({**EXAMPLE, "bill_length_mm": 15}).status == 400
        shop.release(wider)
        until_served(service, wider)
        assert service.predict({**EXAMPLE, "bill_length_mm": 15}).status == 200
        shop.release(first)
        said(service, r"poll refused \(contract\)")


def test_a_challenger_of_another_contract_is_not_loaded(shop: Shop, first: Release, apple: Release) -> None:
    """A challenger of another contract is refused by name; GET /challenger says so, and predictions go on."""
    shop.publish(apple)
    shop.promote(apple, channel="canary")
    shop.release(first)
    environment = shop.environment(CHALLENGER_URI=f"{shop.place}#canary", FETCH_SECONDS="5")
    with serving(shop.stable, APP, **environment) as service:
        until_ready(service)
        eventually(lambda: "contract" in service.request("GET", "/challenger").document["state"])
        state = service.request("GET", "/challenger").document
        assert "found weight" in state["state"] or "its contract is another one" in state["state"]
        assert state["compared"] == 0
        assert_serves(service, first)


def test_two_models_that_were_loaded_at_once_are_not_compared(
    bundle: Bundle, apple_bundle: Callable[[str], Bundle]
) -> None:
    """A challenger that came before the champion is not compared if its contract is another one."""
    serving = Serving()
    challenger = Challenger(serving, serving.outcomes)
    challenger.swap(apple_bundle("classes"))
    serving.swap(bundle)
    report = challenger.summary()
    assert report.state.startswith("its contract is another one: expected inputs bill_length_mm")
    assert (report.champion, report.compared) == (bundle.version, 0)
    served = serving.served
    assert served is not None
    assert (served.offers.row, served.offers.rows) == (None, None)
    assert served.predict(BIRD).status == 200
    assert challenger.expected == bundle.contract


def test_a_bundle_of_format_2_has_the_penguins_contract(
    shop: Shop, first: Release, signing_key: SigningKey, tmp_path: Path
) -> None:
    """A bundle of the earlier format answers, is judged and explained, and is followed by one of this format."""
    digest = make_format_2(tmp_path / "old", signing_key)
    old = Release(tmp_path / "old", digest, decode_manifest((tmp_path / "old" / MANIFEST_FILE).read_bytes(), "old"))
    shop.release(old)
    with serving(shop.stable, APP, **shop.environment(**FAST, MODEL_NAME="penguin")) as service:
        until_ready(service)
        assert_serves(service, old)
        assert service.request("GET", "/model").document["contract"]["name"] == "penguin"
        answer = service.predict(EXAMPLE).document
        explained = service.request("POST", "/explain", BIRD).document
        assert (explained["species"], explained["prediction"]) == (answer["species"], answer["prediction"])
        for parts in explained["contributions"].values():
            assert parts["bias"] + sum(parts["features"].values()) == pytest.approx(parts["margin"], abs=1e-5)
        outputs = [{"name": name} for name in ("prediction_set", "in_distribution", "distance")]
        batch = service.request("POST", INFER, inference(tensor(), outputs=outputs)).document["outputs"]
        members = [name for name, inside in zip(answer["probabilities"], batch[0]["data"], strict=True) if inside]
        judged = (members, *(output["data"][0] for output in batch[1:]))
        assert judged == (answer["prediction_set"], answer["in_distribution"], answer["distance"])
        shop.release(first)
        until_served(service, first)
        assert_serves(service, first)


def test_a_service_of_another_model_has_its_own_paths(apples: Callable[[str], Compiled]) -> None:
    """A service of apples answers apples, at the paths with its name, and tells its contract."""
    apple = apples("numbers")
    with serving(apple.bundle_path, APP, MODEL_NAME="apple") as service:
        assert list(service.predict(APPLE).document) == ["prediction", "interval"]
        model = service.request("GET", "/model").document
        assert (model["name"], model["contract"]["row"]) == ("apple", "apple")
        assert [each["name"] for each in model["contract"]["inputs"]] == list(APPLE)
        assert service.request("GET", "/v2/models/apple/ready").document == {"name": "apple", "ready": True}
        assert service.request("GET", "/v2/models/penguin/ready").status == 404
