"""The image with another model in its store than the one that it was built with: `make test-image`."""

import http.client
import json
import os
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from tests.own.trained import wine
from tests.support.bundles import new_key
from tests.support.cloud import Cloud
from tests.support.commands import run_module
from tests.support.releases import Shop, sign_copy
from tests.support.telemetry import free_port

pytestmark = pytest.mark.image

DOCKER = os.environ.get("DOCKER", "docker")
IMAGE = os.environ.get("IMAGE", "penguins")
CONFINED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "512m")
DOWN_SECONDS = 20.0  # longer than FETCH_SECONDS
PATIENT_SECONDS = 90.0  # until a service that retries has surely tried again
BODY = json.dumps({"alcohol": 13.2, "proline": 1050}).encode()
BIRD = json.dumps({"bill_length_mm": 39, "bill_depth_mm": 18, "flipper_length_mm": 181, "body_mass_g": 3750}).encode()


def ask(port: int, body: bytes) -> tuple[int, bytes]:
    """Return status and body of a prediction, or 0 if nobody listens yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/predict", body, {"content-type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def test_the_baked_model_never_answers_for_another_one(cloud: Cloud, tmp_path: Path) -> None:
    """While storage is down the service answers 503, and never with the penguins; then the configured model answers."""
    own, key = wine(tmp_path), new_key()
    ran = run_module("compile", own.path, "--out", tmp_path / "bundle", "--one-row", "walk", "--block-from", "64")
    assert ran.returncode == 0, ran.stderr
    shop = Shop("gs://models/wine", key)
    shop.release(sign_copy(tmp_path / "bundle", tmp_path / "signed", key))
    cloud.fail_all(503)
    port, name = free_port(), f"penguins-test-{uuid.uuid4().hex[:8]}"
    given = {**shop.environment(), **cloud.environment, "BUNDLE": shop.stable, "PORT": str(port), "METRICS_PORT": "0"}
    variables = [f"--env={variable}={value}" for variable, value in given.items() if value]
    subprocess.run(
        [DOCKER, "run", "--detach", "--name", name, "--network=host", *CONFINED, *variables, IMAGE], check=True
    )
    try:
        seen, began = set(), time.monotonic()
        while time.monotonic() - began < DOWN_SECONDS:
            seen |= {ask(port, BODY)[0], ask(port, BIRD)[0]}
            time.sleep(0.25)
        assert 503 in seen <= {0, 503}
        cloud.fail_all(None)
        status, body = ask(port, BODY)
        while status != 200 and time.monotonic() - began < DOWN_SECONDS + PATIENT_SECONDS:
            time.sleep(0.25)
            status, body = ask(port, BODY)
        assert (status, list(json.loads(body)["probabilities"])) == (200, ["0", "1", "2"])
        assert ask(port, BIRD)[0] == 422
    finally:
        subprocess.run([DOCKER, "rm", "--force", name], check=False, capture_output=True)
