"""The real gcloud's own judgement of commands: it parses them, without a project, an account or a network."""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.telemetry import needed

# What stands in the documents for the reader's values. The longest first: SERVICE is in SERVICE-run.
STANDS_FOR = {
    "PROJECT_NUMBER": "123456789012",
    "PROJECT": "penguins-471103",
    "REGION": "europe-west1",
    "SERVICE": "penguins",
    "BUCKET": "penguin-models",
    "NEW": "penguins-v7",
}


class Judged(NamedTuple):
    """A command, and what gcloud has against it: empty if nothing."""

    command: str
    refusal: str


def in_document(text: str) -> list[str]:
    """Return every gcloud command of a document in Markdown, with values for the reader's words.

    A command ends at a pipe, a closing parenthesis of a substitution, or the end of its line or code. What a sentence
    names without any argument is left out.
    """
    lines = re.sub(r" *\\\n +", " ", text)
    found = []
    for code in re.findall(r"```sh.*?\n(.*?)```", lines, re.DOTALL):
        found += re.findall(r"(?<![\w-])gcloud [a-z](?:'[^']*'|\"[^\"]*\"|[^'\"|)\n#])*", code)
    prose = re.sub(r"```.*?```", "", lines, flags=re.DOTALL)
    spans = [re.sub(r"\s+", " ", code) for code in re.findall(r"`(gcloud [a-z][^`]*)`", prose)]
    found += [code for code in spans if "--" in code or re.search(r"\b[A-Z]+\b", code)]  # else it only names a command
    return [filled(command.strip()) for command in found]


def filled(command: str) -> str:
    """Return a command with values for the words that stand for them, in shell's form too, and for a function's."""
    command = re.sub(r"\$\{\d:-([^}]*)\}", r"\1", command.replace('"$1"', "'severity>=ERROR'"))
    for word, value in STANDS_FOR.items():
        command = re.sub(rf"\$\{{?{word}\b\}}?|\b{word}\b", value, command)
    return command


def judged(commands: list[str], directory: Path) -> list[Judged]:
    """Return the real gcloud's judgement of each command. Skips where there is no gcloud."""
    needed("gcloud", "google-cloud-cli")
    path = directory / "commands.json"
    path.write_text(json.dumps([{"command_string": command} for command in commands]))
    program = ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={path}"]
    environment = {"HOME": str(directory), "CLOUDSDK_CONFIG": str(directory), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    ran = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=240, check=False)
    if "Invalid choice" in ran.stderr:
        pytest.skip("this gcloud has no meta lint-gcloud-commands")
    assert ran.returncode == 0, ran.stderr
    return [Judged(each["command_string"], each["error_message"] or "") for each in json.loads(ran.stdout)]
