"""The canary before a real HAProxy, two real revisions and requests without a pause."""

import http.client
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from deploy.canary.audit import Audit
from deploy.canary.gates import most_harmed
from deploy.canary.plan import CanaryPlan
from deploy.canary.rollout import HELD, PROMOTED, ROLLED_BACK
from tests.deploy.load import Load
from tests.deploy.stage import PLAN, Stage, dying_workers, slow, stage
from tests.support.bundles import new_key
from tests.support.releases import Release, relabelled
from tests.support.telemetry import eventually

pytestmark = pytest.mark.long

PATIENT = 10.0  # seconds of requests while pages are read, judged and the share is set, on however slow a machine


def assert_rolled_back(stage: Stage, load: Load, reason: str, **harm: object) -> None:
    """Check that a canary is rolled back at its first step, and harms no more than it said before."""
    before = load.count()
    ran = stage.canary()
    assert ran.returncode == ROLLED_BACK, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1].startswith(f"rolled back from 1 %: {reason}"), ran.stdout
    assert stage.share == 0
    harmed, started = load.count(**harm), stage.audit[0].at
    seconds = (stage.audit[-1].at - started).total_seconds()
    one_poll = (load.count() - before) / seconds * 0.01 * (PLAN.poll_seconds + PATIENT)
    assert 0 < harmed <= most_harmed(PLAN, 1) + one_poll
    total = load.count()
    eventually(lambda: load.count() > total + 200)
    assert load.count(**harm) <= harmed + 1  # one may have been under way
    assert load.count(status=0) == 0


def test_a_good_revision_is_promoted(tmp_path: Path, old: Release, good: Release, bodies: list[bytes]) -> None:
    """A good revision passes all measured steps and gets all requests, and no request fails."""
    with stage(tmp_path, old, good) as on, Load(on.port, bodies) as load:
        ran = on.canary()
        assert ran.returncode == PROMOTED, ran.stdout + ran.stderr
        assert on.share == 100
        from_old = load.count(version=old.digest)
        total = load.count()
        eventually(lambda: load.count() > total + 200)
        assert load.count(version=old.digest) <= from_old + 4  # those under way
        assert load.count() == load.count(status=200)
        assert on.canary().returncode == PROMOTED  # there is nothing left to do
    events = [(entry.event, entry.share) for entry in on.audit]
    steps = [(event, share) for share in (1, 5, 25, 50) for event in ("shifting", "shifted", "measured")]
    assert events == [("started", 0), *steps, ("shifting", 100), ("shifted", 100), ("promoted", 100)]


def test_a_slow_revision_is_rolled_back(tmp_path: Path, old: Release, good: Release, bodies: list[bytes]) -> None:
    """A slow revision is rolled back by its 99th percentile."""
    with stage(tmp_path, old, good, **slow(tmp_path)) as on, Load(on.port, bodies) as load:
        assert_rolled_back(on, load, "latency", version=good.digest)


def test_a_failing_revision_is_rolled_back(tmp_path: Path, old: Release, good: Release, bodies: list[bytes]) -> None:
    """A revision that answers most requests with 429 is rolled back by its errors."""
    few = {"REQUESTS_PER_SECOND": "1", "BURST_REQUESTS": "8"}
    with stage(tmp_path, old, good, **few) as on, Load(on.port, bodies) as load:
        assert_rolled_back(on, load, "errors", status=429)


def test_a_revision_that_answers_differently_is_rolled_back(
    tmp_path: Path, old: Release, different: Release, bodies: list[bytes]
) -> None:
    """A revision that answers other classes is rolled back."""
    with stage(tmp_path, old, different) as on, Load(on.port, bodies) as load:
        assert_rolled_back(on, load, "classes", version=different.digest)


def test_a_challenger_that_disagrees_rolls_back(
    tmp_path: Path, old: Release, good: Release, different: Release, bodies: list[bytes]
) -> None:
    """A revision is rolled back if its challenger disagrees."""
    with (
        stage(tmp_path, old, good, CHALLENGER_URI=str(different.directory)) as on,
        Load(on.port, bodies) as load,
    ):
        eventually(lambda: load.count() > 100)
        ran = on.canary(plan=msgspec.structs.replace(PLAN, disagreement_effect=0.1))
        assert ran.returncode == ROLLED_BACK, ran.stdout + ran.stderr
        assert "challenger: " in ran.stdout.splitlines()[-1]
        assert on.share == 0


def test_a_model_that_answers_with_numbers_is_promoted(tmp_path: Path, numbers: Release, bodies: list[bytes]) -> None:
    """A canary of another model asks for it by its name, and tests no classes."""
    key = new_key()
    good = relabelled(numbers, tmp_path / "good", key)
    inputs = (msgspec.json.decode(body) for body in bodies)
    own = [msgspec.json.encode({name: bird[name] for name in bird if name != "body_mass_g"}) for bird in inputs]
    with stage(tmp_path, numbers, good) as on, Load(on.port, own) as load:
        ran = on.canary()
        assert ran.returncode == PROMOTED, ran.stdout + ran.stderr
        assert load.count() == load.count(status=200)
    (figures, *_) = [entry.figures for entry in on.audit if entry.event == "measured"]
    assert set(figures) == {"failures", "front", "errors", "latency"}


def test_killed_at_every_step_it_ends_the_same(
    tmp_path: Path, old: Release, good: Release, bodies: list[bytes]
) -> None:
    """A canary that is killed at any step goes on at the share of the splitter."""
    with stage(tmp_path, old, good) as on, Load(on.port, bodies) as load:
        for share in (1, 5, 25, 50, 100):
            assert on.canary_killed_at(share)
            assert on.share == share
        assert on.canary().returncode == PROMOTED
        assert load.count() == load.count(status=200)
    assert [entry.share for entry in on.audit if entry.event == "shifted"] == [1, 5, 25, 50, 100]


def test_a_decision_to_roll_back_outlives_the_canary(tmp_path: Path, old: Release, good: Release) -> None:
    """A canary that is killed after its decision rolls back when it runs again."""
    with stage(tmp_path, old, good) as on:
        on.splitter.send("blue", "green", 5)
        audit = Audit(tmp_path / "canary.jsonl", on.splitter.name)
        audit.write("rolling back", "blue", "green", 5, "errors: too many")
        audit.close()
        with (tmp_path / "canary.jsonl").open("ab") as file:
            file.write(b'{"at":"2026-')  # a torn line
        ran = on.canary()
        assert (ran.returncode, on.share) == (ROLLED_BACK, 0)
        again = on.canary()
    assert again.returncode == ROLLED_BACK  # what came out before comes out again
    assert "green was rolled back at" in again.stdout
    assert "--again" in again.stdout


def test_without_requests_it_holds(tmp_path: Path, old: Release, good: Release) -> None:
    """A canary with too few requests holds its share, and rolls back when nobody answers."""
    plan = CanaryPlan(poll_seconds=0.1, deadline_seconds=1, rate_seconds=0.3)
    with stage(tmp_path, old, good) as on:
        held = on.canary(plan=plan)
        assert (held.returncode, on.share) == (HELD, 1)
        assert "too few samples within 1 s (failures: 0 of " in held.stdout
        on.green.process.kill()
        gone = on.canary(plan=plan)
        assert gone.returncode == 2  # nothing can be measured, and nothing is changed
        assert "cannot read metrics" in gone.stderr
        assert on.share == 1


def test_a_revision_that_dies_is_rolled_back(tmp_path: Path, old: Release, good: Release, bodies: list[bytes]) -> None:
    """A revision that dies in a step is rolled back, and no request fails."""
    endless = CanaryPlan(poll_seconds=0.1, rate_seconds=0.3)
    with stage(tmp_path, old, good) as on, Load(on.port, bodies) as load:
        process = on.start(endless)
        eventually(lambda: any(entry.event == "shifted" for entry in on.audit))
        on.green.process.kill()
        said, _ = process.communicate(timeout=60)
        assert process.returncode == ROLLED_BACK
        assert "no answer to the golden row" in said
        assert on.share == 0
        assert load.count() == load.count(status=200)


def test_a_revision_whose_workers_die_is_rolled_back(
    tmp_path: Path, old: Release, good: Release, bodies: list[bytes]
) -> None:
    """A revision whose workers die has no errors of its own. HAProxy asks the other one, and the restart is seen."""
    dying = dying_workers(tmp_path)
    with stage(tmp_path, old, good, **dying) as on, Load(on.port, bodies) as load:
        ran = on.canary()
        assert ran.returncode == ROLLED_BACK, ran.stdout + ran.stderr
        assert "restarts: processes of green ended and were started again" in ran.stdout, ran.stdout
        assert on.share == 0
        assert load.count(status=500) == 0


def test_another_bundle_than_expected_gets_nothing(
    tmp_path: Path, old: Release, good: Release, different: Release
) -> None:
    """A revision with another bundle gets no request."""
    with stage(tmp_path, old, good) as on:
        ran = on._replace(release=different).canary()
        assert ran.returncode == ROLLED_BACK
        assert f"it serves bundle {good.digest[:12]}, expected {different.digest[:12]}" in ran.stdout
        assert "shifting" not in ran.stdout


def test_shares_are_exact_for_a_kept_connection(
    tmp_path: Path, old: Release, good: Release, bodies: list[bytes]
) -> None:
    """A hundred requests on one connection are split exactly by the share."""
    with stage(tmp_path, old, good) as on, closing(http.client.HTTPConnection("127.0.0.1", on.port)) as connection:
        for share in (1, 5, 25, 50, 100, 0):
            on.splitter.send("blue", "green", share)
            assert on.share == share
            seen: Counter[str | None] = Counter()
            for body in bodies[:200]:
                connection.request("POST", "/predict", body)
                with connection.getresponse() as reply:
                    reply.read()
                    seen[reply.getheader("model-version")] += 1
            assert seen[good.digest] == pytest.approx(2 * share, abs=1)


def test_refusals_of_the_splitter(tmp_path: Path, old: Release, good: Release) -> None:
    """A faulty splitter, revision or second canary is refused with status 2 and changes nothing."""
    with stage(tmp_path, old, good) as on:
        socket = f"--haproxy={tmp_path}/none.sock"
        cases = {
            "has no revision purple; there are: blue, green": ["purple"],
            "does not show backend fish": ["green", "--backend=fish"],
            "cannot ask HAProxy at": ["green", socket],
            "not a page of metrics": ["green", f"--new-metrics=http://127.0.0.1:{on.green.port}/docs"],
            "expected a URL such as": ["green", "--new-url=green:8080"],
            "--bundle names the new release's directory": ["green", f"--bundle={tmp_path}"],
            "--steps: expected rising shares": ["green", "--steps=5,1"],
            "--power: Expected `float` < 1.0": ["green", "--power=2"],
        }
        for expected, (green, *more) in cases.items():
            ran = on.canary(*more, green=green)
            assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
            assert expected in ran.stderr
        audit = Audit(tmp_path / "canary.jsonl", on.splitter.name)
        busy = on.canary()
        audit.close()
        assert (busy.returncode, on.share) == (2, 0)
        assert "another canary is running" in busy.stderr
