"""What OPERATIONS.md says is so: its commands run, its queries are queries, and every alert has its entry."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from app.metrics.families import CHANNEL_EXPIRY, FOLLOW_INTERVAL, FOLLOW_SUCCESS
from deploy.google.promql import RULES, expanded, recorded
from tests.support.commands import ROOT
from tests.support.service import Service, serving
from tests.support.telemetry import free_port, needed, samples, scrape

PAGE = (ROOT / "OPERATIONS.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh run\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
QUERIES = "".join(re.findall(r"```promql\n(.*?)```", PAGE, re.DOTALL)).splitlines()
ABSENT = {"up"}  # Prometheus' own
FOLLOWED = {FOLLOW_SUCCESS, FOLLOW_INTERVAL, CHANNEL_EXPIRY}  # of a service that follows a channel


class Watched(NamedTuple):
    """A service and where its metrics are."""

    service: Service
    metrics: int


@pytest.fixture(scope="module")
def watched(bundle_path: Path) -> Iterator[Watched]:
    metrics = free_port()
    with serving(bundle_path, METRICS_PORT=str(metrics)) as service:
        yield Watched(service, metrics)


def alerts() -> dict[str, dict[str, str]]:
    """Return the annotations of every alert by name."""
    rules = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text(encoding="utf-8"))
    return {rule["alert"]: rule["annotations"] for group in rules["groups"] for rule in group["rules"]}


def headings() -> dict[str, str]:
    """Return headings of all levels, by the anchor that GitHub gives them."""
    found = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-"): heading for heading in found}


def pattern(quoted: str) -> str:
    """Make a pattern of a line in which `...` stands for what changes."""
    return ".*".join(map(re.escape, quoted.split("...")))


@pytest.mark.long
@pytest.mark.parametrize(("script", "quoted"), BLOCKS)
def test_commands_print_what_is_quoted(
    script: str, quoted: str, watched: Watched, bundle_path: Path, tmp_path: Path
) -> None:
    """Every block of commands succeeds and prints the quoted lines in order."""
    if "promtool" in script:
        needed("promtool")
    here = {
        "/tmp/cut": str(tmp_path / "cut"),  # noqa: S108  # what stands there for it
        "/tmp/leaked": str(tmp_path / "leaked"),  # noqa: S108
        "localhost:8080": f"localhost:{watched.service.port}",
        "localhost:9464": f"localhost:{watched.metrics}",
        "8081": str(free_port()),
        "artifacts/bundle": str(bundle_path),
    }
    for theirs, ours in here.items():
        script, quoted = script.replace(theirs, ours), quoted.replace(theirs, ours)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euc", script],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # in the order of a terminal
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert re.search(".*".join(map(pattern, quoted.splitlines())), ran.stdout, re.DOTALL), ran.stdout


def test_every_alert_has_its_entry() -> None:
    """Every alert points to its own entry, and every entry has an alert."""
    for name, annotations in alerts().items():
        assert annotations["runbook"] == f"OPERATIONS.md#{name.lower()}"
        assert headings()[name.lower()] == name
    assert {heading for heading in headings().values() if heading.startswith("Penguins")} == alerts().keys()


def test_every_alert_says_what_to_do_on_cloud_run() -> None:
    """Every alert's entry has the way of Cloud Run, with filters whose quotes are closed."""
    for name in alerts():
        entry = PAGE.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert "*On Cloud Run.*" in entry, name
    filters = re.findall(r"(?:`|^)logs '([^']*)'", PAGE, re.MULTILINE)
    assert len(filters) > 15
    for each in filters:
        outside = re.sub(r'"[^"]*"', "", each)
        assert '"' not in outside, each
        assert outside.count("(") == outside.count(")"), each


def test_what_is_asked_on_cloud_run_is_promql(tmp_path: Path) -> None:
    """promtool accepts every expression that the page gives to `deploy ask`, without recorded series."""
    needed("promtool")
    asked = re.findall(r"python -m deploy ask (?:'([^']+)'|([\w:]+))", PAGE)
    rules = recorded(RULES.read_text(encoding="utf-8"))
    whole = [expanded(quoted or plain, rules) for quoted, plain in asked if quoted != "..."]
    assert len(whole) > 10
    assert [each for each in whole if "penguins:" in each] == []
    found = [{"record": f"asked{number}", "expr": each} for number, each in enumerate(whole)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "page", "rules": found}]}))
    command = ["promtool", "check", "rules", str(tmp_path / "rules.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr


def test_its_links_lead_somewhere() -> None:
    """Every link of OPERATIONS.md leads to an entry or a file."""
    targets = re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", PAGE)
    assert len(targets) > 20
    for file, anchor in targets:
        assert file or anchor in headings(), anchor
        assert not file or (ROOT / file).exists(), file


def test_its_queries_are_queries(tmp_path: Path) -> None:
    """promtool accepts every query of OPERATIONS.md."""
    needed("promtool")
    rules = [{"record": f"query{number}", "expr": query} for number, query in enumerate(QUERIES)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "page", "rules": rules}]}))
    command = ["promtool", "check", "rules", str(tmp_path / "rules.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert f"{len(QUERIES)} rules found" in ran.stdout + ran.stderr


def test_its_metrics_exist(watched: Watched) -> None:
    """Every metric of OPERATIONS.md is on the service's page or recorded by a rule."""
    recorded = set(re.findall(r"record: (\S+)", (ROOT / "deploy" / "recording.yaml").read_text(encoding="utf-8")))
    watched.service.predict(b"{}")
    exposed = {name for name, _ in samples(scrape(watched.metrics))}
    named = set(re.findall(r"\b((?:penguins|process|http_server)[_:][\w:]*\w)\b", PAGE))
    assert len(named) > 15
    assert named - recorded - exposed - ABSENT - FOLLOWED == set()


def test_its_make_targets_and_modules_exist() -> None:
    """Every make target and module of OPERATIONS.md exists."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make ([a-z-]+)", PAGE))
    assert {target for target in targets if f"\n{target}:" not in makefile} == set()
    for module, command in set(re.findall(r"python -m (bundle|deploy) ([a-z]+)", PAGE)):
        shown = [sys.executable, "-m", module, command, "--help"]
        ran = subprocess.run(shown, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, f"{module} {command}: {ran.stderr}"
