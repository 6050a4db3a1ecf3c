"""What DEPLOYMENT.md says is so, and what deploy/ is allowed to be."""

import os
import re
import subprocess
import sys

import msgspec

from deploy.canary.odds import odds
from deploy.canary.plan import CanaryPlan
from deploy.google.settings import EXPECTED, DeploySettings
from tests.support.commands import ROOT, run_module
from tests.support.telemetry import needed

DOCUMENT = (ROOT / "DEPLOYMENT.md").read_text(encoding="utf-8")
IMPORTED = """
import sys, msgspec
before = set(sys.modules)
import deploy.__main__
print(*{name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))
"""


def test_its_samples_are_those_of_the_plan() -> None:
    """DEPLOYMENT.md states the samples of every gate and step."""
    for each in odds(CanaryPlan(), 1):
        assert f"| {each.gate} | {each.mix:.0%} | {', '.join(map(str, each.needed))} |" in DOCUMENT


def test_its_numbers_are_the_plan_s() -> None:
    """DEPLOYMENT.md states the default of every option."""
    named = dict(re.findall(r"`--([a-z-]+)`,?\s\(?([0-9.]+[0-9]|[0-9])", DOCUMENT))
    assert {
        "tolerance",
        "failures",
        "errors",
        "usual",
        "rate-seconds",
        "slower",
        "classes",
        "disagreement-effect",
        "poll-seconds",
    } <= set(named)
    for option, number in named.items():
        assert float(number) == getattr(CanaryPlan(), option.replace("-", "_")), option
    assert f"{CanaryPlan().false_alarms:.0%}".replace("%", " % of canaries (`--false-alarms`)") in DOCUMENT
    assert f"{CanaryPlan().power:.0%}".replace("%", " % (`--power`)") in DOCUMENT
    assert ", ".join(map(str, CanaryPlan().steps)) + " % of requests." in DOCUMENT


def test_every_setting_is_in_it() -> None:
    """DEPLOYMENT.md has every setting with its form, and no other."""
    fields = [field.encode_name for field in msgspec.structs.fields(DeploySettings)]
    rows = re.findall(r"^\| (`[A-Z_`, ]+) \|", DOCUMENT, re.MULTILINE)
    assert sorted(re.findall(r"[A-Z_]+", " ".join(rows))) == sorted(fields)
    assert {name.upper() for name in EXPECTED} == set(fields)


def test_its_files_and_targets_exist() -> None:
    """Every link and `make` target of DEPLOYMENT.md exists."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", DOCUMENT):
        assert (ROOT / target).exists(), target
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", DOCUMENT, re.MULTILINE):
        assert f"\n{target}:" in makefile, target


def test_its_commands_exist() -> None:
    """Every `python -m deploy x` of DEPLOYMENT.md has a help."""
    for command in set(re.findall(r"python -m deploy ([a-z]+)", DOCUMENT)):
        assert run_module("deploy", command, "--help").returncode == 0, command


def test_it_imports_nothing_else() -> None:
    """deploy/ imports only the standard library, msgspec and contract."""
    command = [sys.executable, "-c", IMPORTED]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert set(ran.stdout.split()) <= {"deploy", "contract", "msgspec"}


def test_haproxy_takes_its_configuration() -> None:
    """HAProxy accepts the configuration without a warning."""
    needed("haproxy", "haproxy")
    places = {"HAPROXY_SOCKET": "/tmp/x.sock", "HAPROXY_BIND": ":8080", "BLUE": "127.0.0.1:1", "GREEN": "127.0.0.1:2"}  # noqa: S108  # it is not made
    command = ["haproxy", "-c", "-dW", "-f", str(ROOT / "deploy" / "haproxy.cfg")]
    ran = subprocess.run(command, env={**os.environ, **places}, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
