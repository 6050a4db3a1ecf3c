"""What POST /explain?interactions=true adds, and what it refuses."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.answers.bundle_answers import BundleAnswers
from app.core.answer import Answer
from app.core.query import option
from app.explanation import explainer, interactions, paths
from score.bundle import Bundle
from tests.support.apples import KINDS, Compiled
from tests.support.commands import EXAMPLE
from tests.support.service import Service

BODY = json.dumps(EXAMPLE).encode()


def answers_of(bundle: Bundle) -> BundleAnswers:
    return BundleAnswers(bundle.library, bundle.contract, bundle.version, bundle.trees, bundle.uncertainty)


def explained(answers: BundleAnswers, document: dict[str, Any]) -> dict[str, Any]:
    answer = answers.explain(json.dumps(document).encode(), interactions=True)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_the_matrix_sum_to_the_contributions(
    apples: Callable[[str], Compiled], apple_bundle: Callable[[str], Bundle], kind: str
) -> None:
    """By output and feature, in the names of the contributions, with missing values too; both halves are equal."""
    answers = answers_of(apple_bundle(kind))
    for document in apples(kind).documents(12, seed=3):
        found = explained(answers, document)
        assert found["interactions"]["note"] is None
        for output, matrix in found["interactions"]["values"].items():
            parts = found["contributions"][output]["features"]
            assert set(matrix) <= set(parts)
            for feature, value in parts.items():
                assert sum(matrix.get(feature, {}).values()) == pytest.approx(value, abs=1e-9)
            assert all(matrix[other][one] == value for one, row in matrix.items() for other, value in row.items())


def test_the_penguins_model_has_none(bundle: Bundle) -> None:
    """Its trees have one split each: the answer says so, and each feature acts alone."""
    found = explained(answers_of(bundle), EXAMPLE)
    assert "no two features interact" in found["interactions"]["note"]
    for output, matrix in found["interactions"]["values"].items():
        parts = found["contributions"][output]["features"]
        assert matrix == {feature: {feature: parts[feature]} for feature in matrix}
        assert all(parts[feature] == 0 for feature in set(parts) - set(matrix))


def test_only_when_asked(service: Service) -> None:
    """Without the option, or with false, the answer is as before; another value is refused by name."""
    plain = service.request("POST", "/explain", BODY)
    assert "interactions" not in plain.document
    for query in ("interactions=false", "interaction=true", "interactions=true&interactions=false", ""):
        assert service.request("POST", f"/explain?{query}", BODY).body == plain.body
    asked = service.request("POST", "/explain?x=1&interactions=true", BODY).document
    assert list(asked) == [*plain.document, "interactions"]
    wrong = service.request("POST", "/explain?interactions=yes", BODY)
    assert wrong.status == 400
    assert wrong.document["detail"] == "interactions: expected true or false, found 'yes'; send ?interactions=true"
    assert service.request("POST", "/explain?interactions=true", b"{}").status == 422
    assert service.request("GET", "/explain?interactions=true").status == 405


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (b"", False),
        (b"interactions=true", True),
        (b"a=1&interactions=%74rue", True),
        (b"interactions=true&interactions=false", False),
        (b"Interactions=true", False),
        (b"&&;=&", False),
        (b"interactions", 400),
        (b"interactions=", 400),
        (b"interactions=TRUE", 400),
        (b"interactions=" + b"x" * 5000, 400),
        (b"interactions=\xff%ff", 400),
        (b"a&" * 101, 400),
    ],
)
def test_an_option_is_true_or_false(query: bytes, found: bool | int) -> None:
    """Any query is read or refused; what is refused is shown in part."""
    got = option(query, "interactions")
    if isinstance(got, Answer):
        assert (got.status, len(got.body) < 300) == (found, True)
    else:
        assert got is found


def test_a_model_that_is_too_large_is_refused_by_name(
    apple_bundle: Callable[[str], Bundle], apples: Callable[[str], Compiled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is 422, says what was counted and what to do; an explanation without interactions is as before."""
    answers = answers_of(apple_bundle("classes"))
    body = json.dumps(apples("classes").documents(1)[0]).encode()
    for limit, word in (("MOST_STEPS", b"steps"), ("MOST_PAIRS", b"pairs of features")):
        with monkeypatch.context() as patch:
            patch.setattr(interactions, limit, 5)
            refused = answers.explain(body, interactions=True)
        assert refused.status == 422
        assert word + b": expected at most 5, found" in refused.body
        assert b"ask without interactions=true" in refused.body
        assert answers.named in refused.headers
        assert answers.explain(body).status == 200


def test_a_large_forest_is_explained_alike_and_a_larger_one_refused(
    apple_bundle: Callable[[str], Bundle], apples: Callable[[str], Compiled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaves that are not kept explain as those that are; of too many, the answer is 422 and says how many."""
    bundle = apple_bundle("classes")
    body = json.dumps(apples("classes").documents(1)[0]).encode()
    kept = answers_of(bundle).explain(body)
    monkeypatch.setattr(paths, "KEPT_LEAVES", 5)
    monkeypatch.setattr(interactions, "KEPT_LEAVES", 5)
    large = answers_of(bundle)
    assert [large.explain(body).body for _ in range(2)] == [kept.body] * 2
    alone = large.explain(body, interactions=True)
    assert alone.status == 422
    assert b"too large for interactions (leaves: expected at most 5, found" in alone.body
    assert b"ask without interactions=true" in alone.body
    monkeypatch.setattr(explainer, "MOST_LEAVES", 6)
    larger = answers_of(bundle)
    for asked in (False, True):
        refused = larger.explain(body, interactions=asked)
        assert refused.status == 422
        assert b"too large for explanations (leaves: expected at most 6, found" in refused.body
        assert b"POST /predict answers it" in refused.body
        assert larger.named in refused.headers
    assert larger.predict(body).status == 200
