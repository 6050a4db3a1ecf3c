"""What has to become of a cell, and what a refusal has to say."""

import pytest

from tests.matrix.cells import OBJECTIVES, Cell
from tests.matrix.expected import REASONS, Expectation
from tests.matrix.situations import SITUATIONS

COMPILED = Cell("2.1.4", "gbtree", "binary:logistic", "missing")


def test_what_can_be_compiled_must_be() -> None:
    """A refusal is not accepted for a model that can be compiled."""
    expectation = Expectation(COMPILED, "3.2.0")
    assert expectation.may_be_equal
    assert expectation.named("model.json: cannot compile the objective 'binary:logistic'") is None


@pytest.mark.parametrize(
    ("cell", "refusal", "reason"),
    [
        (COMPILED._replace(booster="dart"), "cannot compile the booster 'dart'; supported are", "dart"),
        (COMPILED._replace(booster="gblinear"), "cannot compile the booster 'gblinear'", "gblinear"),
        (COMPILED._replace(features="one-hot"), "cannot compile categorical splits", "categorical"),
        (COMPILED._replace(version="3.4.1"), "was written by XGBoost 3.4.1: expected 3.2.0", "newer"),
        (COMPILED._replace(situation="leaf-nan"), "tree 0 has a leaf of nan at node 3", "not finite"),
        (
            COMPILED._replace(situation="stopped-sliced"),
            "expected the attribute best_iteration to be",
            "best iteration",
        ),
    ],
)
def test_a_refusal_has_to_name_its_reason(cell: Cell, refusal: str, reason: str) -> None:
    """A reason is accepted only for a cell that has it."""
    assert Expectation(cell, "3.2.0").named(f"model.json: {refusal}") == reason
    assert Expectation(COMPILED, "3.2.0").named(f"model.json: {refusal}") is None


def test_an_objective_is_no_reason() -> None:
    """Every objective of the matrix has to be compiled."""
    for objective in OBJECTIVES:
        expectation = Expectation(COMPILED._replace(objective=objective), "3.4.1")
        assert expectation.may_be_equal
        assert expectation.named(f"cannot compile the objective {objective!r}") is None


def test_a_crash_is_no_reason() -> None:
    """A crash of XGBoost while it reads is no reason."""
    cell = COMPILED._replace(situation="classes-in-vectors", objective="multi:softprob")
    assert Expectation(cell, "3.2.0").named("XGBoost 3.2.0 cannot read it (XGBoost ended with status -11)") is None


def test_only_an_older_judge_may_call_a_file_newer() -> None:
    """Only an older judge may call a file newer."""
    assert not Expectation(COMPILED._replace(version="3.4.1"), "3.2.0").may_be_equal
    assert Expectation(COMPILED._replace(version="3.4.1"), "3.4.1").may_be_equal


def test_what_a_version_may_not_bring_about_may_be_equal() -> None:
    """A situation that a version may not cause may also be equal."""
    expectation = Expectation(COMPILED._replace(situation="gamma"), "3.2.0")
    assert expectation.may_be_equal
    assert expectation.named("cannot read it (deleted_nodes_.size()) == param_.num_deleted)") == "pruned by 1.0"


def test_a_best_round_of_unknown_rounds_may_be_refused() -> None:
    """A best round may be refused if the file does not say how many trees a round has."""
    refusal = "expected the attribute best_iteration to be of rounds that the file knows"
    of_old, of_new = (COMPILED._replace(version=version, situation="stopped-forest") for version in ("1.5.2", "1.7.6"))
    assert Expectation(of_old, "3.2.0").named(refusal) == "best iteration"
    assert Expectation(of_new, "3.2.0").named(refusal) is None


def test_every_situation_names_reasons_that_there_are() -> None:
    """Every situation names reasons that exist."""
    named = {reason for item in SITUATIONS.values() for reason in (*item.refused, *item.may_be_refused)}
    assert named <= set(REASONS)
