"""Questions in PromQL where nothing records series."""

import subprocess
from pathlib import Path

import pytest
import yaml

from contract.refusal import Refusal
from deploy.google.promql import RULES, expanded, recorded, shown
from deploy.prometheus import Sample
from tests.support.telemetry import needed


def test_every_recorded_series_is_read() -> None:
    """The expressions are those that a parser of YAML reads."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules = {rule["record"]: " ".join(rule["expr"].split()) for group in groups for rule in group["rules"]}
    assert len(rules) > 20
    assert recorded(RULES.read_text(encoding="utf-8")) == rules


def test_what_is_expanded_is_promql_without_recorded_series(tmp_path: Path) -> None:
    """promtool accepts every series in its whole expression, and none of them stands on a recorded one."""
    needed("promtool")
    rules = recorded(RULES.read_text(encoding="utf-8"))
    whole = {name: expanded(f"{name} > 0", rules) for name in rules}
    assert [text for text in whole.values() if "penguins:" in text] == []
    found = [{"record": name, "expr": text} for name, text in whole.items()]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "whole", "rules": found}]}))
    command = ["promtool", "check", "rules", str(tmp_path / "rules.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_series_that_is_not_recorded_is_refused() -> None:
    """An unknown series is named, with those that there are."""
    with pytest.raises(Refusal, match=r"found penguins:x:y; there are: penguins:a"):
        expanded("penguins:x:y", {"penguins:a": "1"})


def test_values_are_shown_with_their_labels() -> None:
    """A value has its labels; no value is said in words."""
    assert shown([Sample({"job": "penguins"}, (1.0, "0.25"))]) == "0.25  job=penguins"
    assert shown([]).startswith("no series")
