"""The commands on a store that strangers can write into, and numbers that make no sense."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bundle.__main__ import CLOSED_PIPE, main
from bundle.refusal import UNVERIFIED
from bundle.signing.private import SigningKey, generate
from bundle.signing.signature import MANIFEST, sign, signature_file
from contract.manifest import MANIFEST_FILE
from tests.bundle.publishing import release
from tests.support.bundles import make
from tests.support.commands import ROOT

EVIL = "evil\x1b[31m\nfake  line\x9b1m\u202e"  # colours, a line of its own, an 8-bit control, text from right to left


pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, SigningKey]:
    """Write two trusted keys into files of their names."""
    made = {name: generate(tmp_path / name) for name in "ab"}
    monkeypatch.setenv("TRUSTED_KEYS", ",".join(str(key.public) for key in made.values()))
    return made


Run = Callable[..., Any]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with --json, expect a status, and return its document."""

    def run(*arguments: str | Path, status: int = 0) -> Any:
        """Run a command with --json, expect a status, and return its document."""
        found = main([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        assert found == status, err
        return json.loads(out or err)

    return run


def test_signers_are_those_whose_signatures_hold(
    run: Run, keys: dict[str, SigningKey], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list names a signer only if its signature is right, not because a file has its name."""
    store = tmp_path / "store"
    digest = release(str(store), tmp_path, keys["a"])
    for name in ("manifest.0123456789abcdef.sig", f"manifest.{EVIL}.sig", signature_file(keys["b"].public)):
        (store / "bundles" / digest / name).write_bytes(b"junk")
    (listed,) = run("list", store)["bundles"]
    assert listed["signed_by"] == [keys["a"].public.key_id]
    (problem,) = listed["problems"]
    assert signature_file(keys["b"].public) in problem
    assert run("verify", f"{store}@{digest}")["problems"] == [problem]
    pointer = store / "channels" / "stable"
    pointer.chmod(0o644)
    pointer.write_bytes(pointer.read_bytes() + b"junk\n")
    (channel,) = run("list", store)["channels"]
    assert channel["signed_by"] == [keys["a"].public.key_id]
    assert "expected a signature" in channel["problems"][0]
    (nobody,) = run("list", store, "--trusted-keys", "")["bundles"]
    assert (nobody["signed_by"], nobody["problems"]) == ([], [])
    assert main(["list", str(store)]) == 0
    out = capsys.readouterr().out
    assert "0123456789abcdef" not in out
    assert "warning: " in out


def test_an_expired_channel_is_marked(
    run: Run, keys: dict[str, SigningKey], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list marks a channel that has expired."""
    store = tmp_path / "store"
    digest = release(str(store), tmp_path, keys["a"], days=-1)
    assert [channel["expired"] for channel in run("list", store)["channels"]] == [True]
    assert main(["list", str(store)]) == 0
    assert "EXPIRED" in capsys.readouterr().out
    run("promote", f"{store}#stable", digest, "--key", tmp_path / "a")
    assert [channel["expired"] for channel in run("list", store)["channels"]] == [False]


def test_nothing_that_strangers_wrote_reaches_a_terminal_raw(
    keys: dict[str, SigningKey], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names and texts from a store are printed escaped, each on its own line."""
    store = tmp_path / "store"
    digest = release(str(store), tmp_path, keys["a"])
    bundle = store / "bundles" / digest
    (store / "channels" / EVIL).write_bytes(b"x")
    (store / "channels" / os.fsdecode(b"\xff")).write_bytes(b"x")
    (store / "bundles" / EVIL).mkdir()
    (store / "bundles" / EVIL / MANIFEST_FILE).write_bytes(b"{}")
    stranger = json.dumps({"algorithm": EVIL, "key_id": EVIL, "signature": ""}).encode()
    (bundle / signature_file(keys["b"].public)).write_bytes(stranger)
    (store / "channels" / "canary").write_bytes(b"{}\n" + stranger)
    manifest = json.loads((bundle / MANIFEST_FILE).read_bytes())
    manifest["trees"]["objective"] = manifest["platforms"]["linux-x86_64"]["toolchain"]["compiler"] = EVIL
    made = tmp_path / "evil"
    make(made, keys["a"])
    (made / MANIFEST_FILE).write_bytes(json.dumps(manifest).encode())
    (made / signature_file(keys["a"].public)).write_bytes(
        sign(keys["a"], MANIFEST, (made / MANIFEST_FILE).read_bytes())
    )
    for command in (["list", str(store)], ["inspect", str(made)], ["verify", f"{store}#canary"], ["list", EVIL]):
        for options in ([], ["--json"]):
            main([*command, *options])
            out, err = capsys.readouterr()
            assert all(character == "\n" or character.isprintable() for character in out + err), (command, out, err)
            assert not [line for line in (out + err).splitlines() if line.startswith("fake")]


@pytest.mark.parametrize("lines", [0, 1])
def test_who_reads_no_more_ends_a_command_quietly(keys: dict[str, SigningKey], tmp_path: Path, lines: int) -> None:
    """A command ends quietly when its reader goes away, as in `list STORE | head`."""
    release(f"{tmp_path}/store", tmp_path, keys["a"])
    ran = subprocess.run(
        [
            "bash",
            "-c",
            f'"{sys.executable}" -m bundle list {tmp_path}/store | head -n {lines}; echo ${{PIPESTATUS[0]}}',
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines()[-1] in ("0", str(CLOSED_PIPE))
    assert lines or ran.stdout.splitlines()[-1] == str(CLOSED_PIPE)


@pytest.mark.parametrize(
    "option",
    [
        *(f"--days={days}" for days in ("nan", "inf", "-inf", "0", "-1", "1e300", "3661")),
        *(f"--deadline={seconds}" for seconds in ("nan", "inf", "0", "-1", "43201")),
        *(f"--version={version}" for version in ("0", "-1", 2**53, "9" * 4300)),
    ],
)
def test_a_number_that_cannot_be_meant_is_a_mistake(
    run: Run, keys: dict[str, SigningKey], tmp_path: Path, option: str
) -> None:
    """A number that makes no sense ends with status 2, and the channel does not move."""
    digest = release(f"{tmp_path}/store", tmp_path, keys["a"])
    before = (tmp_path / "store" / "channels" / "stable").read_bytes()
    error = run("promote", f"{tmp_path}/store#stable", digest, "--key", tmp_path / "a", option, status=2)
    assert error["reason"] == "usage"
    assert "expected a" in error["error"]
    assert len(error["error"]) < 400
    assert (tmp_path / "store" / "channels" / "stable").read_bytes() == before


def test_a_channel_is_signed_by_none_but_who_signed_the_bundle(run: Run, tmp_path: Path) -> None:
    """A promotion by another key than the bundle's is refused."""
    digest, store = make(tmp_path / "made"), tmp_path / "store"
    both = ("--key", tmp_path / "a", "--key", tmp_path / "b")
    run("sign", tmp_path / "made", "--key", tmp_path / "a")
    run("publish", tmp_path / "made", store)
    for keys in (both, ("--key", tmp_path / "b")):
        refused = run("promote", f"{store}#stable", digest, *keys, status=UNVERIFIED)
        assert refused["reason"] == "unsigned"
        assert "python -m bundle publish" in refused["error"]
    assert not (store / "channels").exists()
    run("sign", tmp_path / "made", "--key", tmp_path / "b")
    run("publish", tmp_path / "made", store)
    assert run("promote", f"{store}#stable", digest, *both)["pointer"]["version"] == 1


def test_publishing_tells_which_signatures_it_leaves_out(run: Run, keys: dict[str, SigningKey], tmp_path: Path) -> None:
    """Publishing leaves out signatures of untrusted keys and says so."""
    digest, store = make(tmp_path / "made"), tmp_path / "store"
    run("sign", tmp_path / "made", "--key", tmp_path / "a", "--key", tmp_path / "b")
    other = signature_file(keys["b"].public)
    published = run("publish", tmp_path / "made", store, "--trusted-keys", keys["a"].public)
    assert published["signed_by"] == [keys["a"].public.key_id]
    (problem,) = published["problems"]
    assert problem.startswith(f"{other} was left out")
    assert not (store / "bundles" / digest / other).exists()
    assert run("publish", tmp_path / "made", store)["problems"] == []
    assert (store / "bundles" / digest / other).exists()


def test_gc_says_first_what_it_would_remove(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`gc` first says what it would remove, and refuses an age below one day."""
    digest, store = make(tmp_path / "made"), tmp_path / "store"
    run("sign", tmp_path / "made", "--key", tmp_path / "a")
    run("publish", tmp_path / "made", store)
    before = sorted(store.rglob("*"))
    assert main(["gc", str(store)]) == 0
    out = capsys.readouterr().out
    assert f"@{digest}  unused, would be marked" in out
    assert out.endswith("add --remove\n")
    assert sorted(store.rglob("*")) == before
    (unused,) = run("gc", store, "--remove", "--days", "1")["found"]["unused"]
    assert (unused["digest"], unused["removed"]) == (digest, False)
    assert (store / "unused" / digest).exists()
    assert main(["gc", str(store)]) == 0
    assert "unused since" in capsys.readouterr().out
    assert "expected a number from 1" in run("gc", store, "--days", "0.9", status=2)["error"]
    run("promote", f"{store}#stable", digest, "--key", tmp_path / "a")
    assert not (store / "unused" / digest).exists()


def test_a_public_key_is_told_of_a_private_one(run: Run, keys: dict[str, SigningKey], tmp_path: Path) -> None:
    """`public` prints the public key of a private one, in the form of TRUSTED_KEYS."""
    told = run("public", "--key", tmp_path / "a")
    assert (told["key_id"], told["public_key"]) == (keys["a"].public.key_id, str(keys["a"].public))
