"""`python -m bundle`, as a person and a script type it."""

import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bundle.__main__ import main
from bundle.refusal import CONFLICT, UNAVAILABLE, UNVERIFIED
from bundle.signing.private import generate, read_signing_key
from contract.manifest import MANIFEST_FILE, MODEL_FILE, platform_name
from contract.schema import CONTRACT_FILE, Contract, Input, Output
from tests.bundle.editing import make_for, make_small_format_2
from tests.support.bundles import MACHINES, make
from tests.support.cloud import Cloud
from tests.support.commands import ROOT, run_module

Run = Callable[..., Any]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command with --json in this process, expect a status, and return its document."""
    key = generate(tmp_path / "key")
    monkeypatch.setenv("TRUSTED_KEYS", str(key.public))

    def run(*arguments: str | Path, status: int = 0) -> Any:
        """Run a command with --json in this process, expect a status, and return its document."""
        found = main([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        assert found == status, err
        assert not (err if status == 0 else out)
        return json.loads(out if status == 0 else err)

    return run


@pytest.mark.parametrize("place", ["{tmp}/store", "gs://models/penguins"])
@pytest.mark.usefixtures("cloud")
def test_from_a_key_to_a_bundle_that_is_fetched(run: Run, tmp_path: Path, place: str) -> None:
    """Two releases go the whole way from a key to a fetch, and a rollback goes back."""
    store, key = place.format(tmp=tmp_path), tmp_path / "key"
    digests = [make(tmp_path / label, label=label) for label in "12"]
    for label, digest in zip("12", digests, strict=True):
        assert run("verify", tmp_path / label, status=UNVERIFIED)["reason"] == "unsigned"
        assert run("sign", tmp_path / label, "--key", key)["digest"] == digest
        assert len(run("verify", tmp_path / label)["signed_by"]) == 1
        assert run("publish", tmp_path / label, store)["place"] == f"{store}@{digest}"
        moved = run("promote", f"{store}#stable", digest[:12], "--key", key)
        assert (moved["pointer"]["version"], moved["pointer"]["digest"]) == (int(label), digest)
    assert run("fetch", f"{store}#stable", "--out", tmp_path / "out")["digest"] == digests[1]
    assert (tmp_path / "out" / MANIFEST_FILE).read_bytes() == (tmp_path / "2" / MANIFEST_FILE).read_bytes()
    moved = run("rollback", f"{store}#stable", "--key", key, "--days", "1")
    assert (moved["pointer"]["version"], moved["pointer"]["digest"]) == (3, digests[0])
    listed = run("list", store)
    assert [channel["channel"] for channel in listed["channels"]] == ["stable"]
    assert {bundle["digest"] for bundle in listed["bundles"]} == set(digests)
    assert listed["problems"] == {}
    detail = run("inspect", f"{store}#stable")
    assert detail["manifest"]["bundle_version"] == "1"
    assert detail["pointer"]["version"] == 3
    assert run("verify", f"{store}@{digests[1]}")["bundle_version"] == "2"


@pytest.mark.usefixtures("run")
def test_people_read_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command prints lines for people."""
    digest = make(tmp_path / "made")
    store, key = str(tmp_path / "store"), str(tmp_path / "key")
    for arguments, told in (
        (["keygen", str(tmp_path / "other")], "set TRUSTED_KEYS=ed25519:"),
        (["inspect", str(tmp_path / "made")], "not signed by a trusted key"),
        (["sign", str(tmp_path / "made"), "--key", key], f"digest     {digest}"),
        (["publish", str(tmp_path / "made"), store], f"published {store}@{digest}"),
        (["promote", f"{store}#stable", digest, "--key", key], f"version 1 -> @{digest[:16]}"),
        (["list", store], "1 channels, 1 bundles"),
        (["inspect", f"{store}#stable"], "multi:softprob"),
        (["verify", f"{store}#stable"], "signed by"),
        (["fetch", f"{store}#stable", "--out", str(tmp_path / "out")], "fetched"),
        (["merge", str(tmp_path / "made"), "--out", str(tmp_path / "merged")], "merged into"),
    ):
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert told in out
        assert err == ""  # no terminal: no progress


@pytest.mark.usefixtures("run")
def test_inspect_shows_what_a_model_is_asked_and_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inspecting prints the name in the contract, the inputs, and the kind and the names of the answer."""
    key = read_signing_key(tmp_path / "key")
    gull = Contract("gull", (Input("wing mm"), Input("wild", "boolean")), Output("numbers", names=("low", "high")))
    make(tmp_path / "penguin", key)
    make_for(tmp_path / "gull", key, gull)
    make_small_format_2(tmp_path / "old", key)
    penguin = [
        "  contract   penguin",
        "  inputs     bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g",
        "  answers    classes: Gentoo, Chinstrap, Adelie",
    ]
    other = ["  contract   gull", "  inputs     'wing mm', wild", "  answers    numbers: low, high"]
    for name, expected in (("penguin", penguin), ("old", penguin), ("gull", other)):
        assert main(["inspect", str(tmp_path / name)]) == 0
        shown = capsys.readouterr().out.splitlines()
        assert [line for line in shown if line in expected] == expected


def test_inspect_gives_scripts_the_whole_contract(run: Run, tmp_path: Path) -> None:
    """With --json, inspecting prints the contract as the bundle has it."""
    make(tmp_path / "made", read_signing_key(tmp_path / "key"))
    shown = run("inspect", tmp_path / "made")
    assert shown["contract"] == json.loads((tmp_path / "made" / CONTRACT_FILE).read_bytes())
    assert shown["manifest"]["format_version"] == 3


@pytest.mark.parametrize(
    ("arguments", "status", "reason", "told"),
    [
        (["publish", "{tmp}/made", "gs://"], 2, "usage", "gs://BUCKET/PREFIX"),
        (["verify", "gs://models"], 2, "usage", "STORE#CHANNEL"),
        (["promote", "{tmp}/store", "0", "--key", "{tmp}/key"], 2, "usage", "expected STORE#CHANNEL"),
        (["promote", "{tmp}/store#stable", "77", "--key", "{tmp}/key"], 2, "usage", "0 bundles whose digest"),
        (["promote", "{tmp}/store#stable", "{digest}", "--key", "{tmp}/absent"], 2, "key", "keygen"),
        (["promote", "{tmp}/store#stable", "{digest}", "--key", "{tmp}/key", "--version", "1"], 2, "usage", "above it"),
        (["promote", "{tmp}/store#stable", "0" * 64, "--key", "{tmp}/key"], 4, "missing", "list"),
        (["rollback", "{tmp}/store#stable", "--key", "{tmp}/key"], 2, "usage", "name the DIGEST"),
        (["verify", "{tmp}/made", "--trusted-keys", "x"], 2, "key", "keygen"),
        (["keygen", "{tmp}/key"], 2, "key", "never overwritten"),
        (["fetch", "{tmp}/store#stable", "--out", "{tmp}/made"], 2, "usage", "choose another --out"),
        (["verify", "{tmp}/made", "--trusted-keys", ""], UNVERIFIED, "unsigned", "TRUSTED_KEYS"),
        (["verify", "{tmp}/absent"], UNAVAILABLE, "missing", "cannot read"),
        (["verify", "{tmp}/store#canary"], UNAVAILABLE, "missing", "list"),
    ],
)
def test_a_refusal_is_one_line_with_its_mend_and_a_status(  # what is typed, and what comes of it
    run: Run, tmp_path: Path, arguments: list[str], status: int, reason: str, told: str
) -> None:
    """A refusal is one line with its repair, a status, and a word for scripts."""
    digest = make(tmp_path / "made")
    run("sign", tmp_path / "made", "--key", tmp_path / "key")
    run("publish", tmp_path / "made", tmp_path / "store")
    run("promote", f"{tmp_path}/store#stable", digest, "--key", tmp_path / "key")
    error = run(*(argument.format(tmp=tmp_path, digest=digest) for argument in arguments), status=status)
    assert error["reason"] == reason
    assert told in error["error"]
    assert "\n" not in error["error"]


def test_a_store_in_the_way_is_a_conflict(run: Run, tmp_path: Path) -> None:
    """A store with other bytes under the name ends with status 5."""
    digest = make(tmp_path / "made")
    run("sign", tmp_path / "made", "--key", tmp_path / "key")
    path = tmp_path / "store" / "bundles" / digest / MODEL_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other")
    assert run("publish", tmp_path / "made", tmp_path / "store", status=CONFLICT)["reason"] == "conflict"


def test_a_damaged_store_is_listed_with_what_is_wrong(run: Run, tmp_path: Path) -> None:
    """The list says what is damaged, and a promotion with a version repairs a pointer."""
    digest = make(tmp_path / "made")
    store, key = tmp_path / "store", tmp_path / "key"
    run("sign", tmp_path / "made", "--key", key)
    run("publish", tmp_path / "made", store)
    run("promote", f"{store}#stable", digest, "--key", key)
    manifest, pointer = store / "bundles" / digest / MANIFEST_FILE, store / "channels" / "stable"
    whole = manifest.read_bytes()
    for path in (manifest, pointer):
        path.chmod(0o644)
        path.write_bytes(b"{}")
    listed = run("list", store)
    assert set(listed["problems"]) == {"#stable", f"@{digest}"}
    refused = run("promote", f"{store}#stable", digest, "--key", key, status=UNVERIFIED)
    assert refused["reason"] == "unsigned"
    assert "python -m bundle promote --version" in refused["error"]
    manifest.write_bytes(whole)
    assert run("promote", f"{store}#stable", digest, "--key", key, "--version", "7")["pointer"]["version"] == 7
    assert run("list", store)["problems"] == {}


def test_a_deadline_holds_for_a_store_that_does_not_answer(run: Run, cloud: Cloud) -> None:
    """Every command ends at its deadline when the store does not answer."""
    cloud.fail_all("stall")
    assert run("list", "gs://models", "--deadline", "0.2", status=UNAVAILABLE)["reason"] == "deadline"
    assert run("verify", "gs://models#stable", "--deadline", "0.2", status=UNAVAILABLE)["reason"] == "deadline"


def test_bundles_of_several_platforms_are_merged_signed_and_published(run: Run, tmp_path: Path) -> None:
    """Bundles of two platforms become one release, of which each service takes its part."""
    for platform in MACHINES:
        make(tmp_path / platform, platforms=(platform,))
    merged = run("merge", *(tmp_path / platform for platform in MACHINES), "--out", tmp_path / "merged")
    run("sign", tmp_path / "merged", "--key", tmp_path / "key")
    run("publish", tmp_path / "merged", tmp_path / "store")
    verified = run("verify", f"{tmp_path}/store@{merged['digest']}")
    assert set(verified["platforms"]) == set(MACHINES)
    assert platform_name() in verified["platforms"]


def test_in_a_process_of_its_own_it_says_the_same(tmp_path: Path) -> None:
    """The command in its own process prints one line for a mistake, and protects the key file."""
    result = run_module("bundle", "keygen", tmp_path / "key")
    assert result.returncode == 0, result.stderr
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    result = run_module("bundle", "verify", "no/such/bundle", environment={"TRUSTED_KEYS": ""})
    assert result.returncode == UNAVAILABLE
    assert result.stderr.startswith("error: cannot read")
    assert len(result.stderr.splitlines()) == 1
    assert run_module("bundle").returncode == 2
    assert "Exit status" in run_module("bundle", "--help").stdout


def test_on_a_terminal_a_transfer_shows_how_far_it_is(tmp_path: Path) -> None:
    """A transfer shows its progress on a terminal, and wipes it at the end."""
    make(tmp_path / "made")
    terminal, end = pty.openpty()
    command = ("publish", tmp_path / "made", tmp_path / "store", "--allow-unsigned")
    process = subprocess.run(
        [sys.executable, "-m", "bundle", *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, stderr=end, check=True
    )
    os.close(end)
    shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert f"uploading 0/5 {CONTRACT_FILE}" in shown
    assert f"uploading 1/5 {MODEL_FILE}" in shown
    assert shown.endswith("\r\x1b[K")
    assert b"uploading" not in process.stdout


def test_nothing_is_imported_before_it_is_needed() -> None:
    """A command imports cryptography and the client of the cloud only when it needs them."""
    code = """if True:
        import sys
        import score.bundle, bundle.__main__, bundle.cache, bundle.fetch, bundle.publish, bundle.verify
        late = {"cryptography", "google.cloud.storage", "requests", "urllib3", "numpy"}
        print(sorted(late & set(sys.modules)), end="")
    """
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("[]", "")
