"""The commands of `python -m deploy`. Each prints what it does, and returns an exit status or raises Refusal."""

import argparse
from pathlib import Path

import msgspec

from contract.files import write_atomically
from contract.refusal import Refusal
from deploy.canary.audit import Audit, read_entries
from deploy.canary.evidence import Pair
from deploy.canary.golden import GoldenCheck
from deploy.canary.odds import odds, table
from deploy.canary.rollout import PROMOTED, Canary
from deploy.google import gcloud, iam, policies
from deploy.google.cloud_run import CloudRun
from deploy.google.drift_page import drift_page
from deploy.google.promql import RULES, expanded, query, recorded, shown
from deploy.google.render import render, render_job
from deploy.google.settings import DeploySettings, read_settings
from deploy.options import PLACE, address_of, fronts_of, managed, plan_of, sources_of, splitter_of
from deploy.splitter import back_and_see, serving, share_of

SCORED = ("project", "region", "image", "bucket", "trusted_keys")
DEPLOYED = ("project", "region", "image", "bucket", "trusted_keys", "revision")

MAX_TASKS = 10_000  # of one execution: Cloud Run's own bound
SERVING = "serving"  # instead of OLD: the revision that has requests beside NEW, as the platform says

Options = argparse.Namespace


def plan(options: Options) -> int:
    """Print the description of the service and every gcloud command of `up`, and run none of them."""
    settings = read_settings(*DEPLOYED)
    print(render(settings, None))
    print("# If the service exists already, its traffic stays as it is and the new revision gets none.")
    for command in _deployment(settings, options.out):
        print(gcloud.shell_command(command))
    return 0


def up(options: Options) -> int:
    """Deploy a revision. The first one serves. Any other one gets no requests yet."""
    settings = read_settings(*DEPLOYED)
    *looks, replace = _deployment(settings, options.out)
    print(gcloud.shell_command(looks[0]))
    iam.project_number(settings)
    print(gcloud.shell_command(looks[1]))
    pinned = CloudRun(settings).pinned()
    write_atomically(options.out, render(settings, pinned).encode())
    print(gcloud.shell_command(replace))
    gcloud.run([*replace, "--quiet"], float(settings.gcloud_seconds))
    old = next((str(entry["revisionName"]) for entry in pinned or ()), "")
    if old and old != settings.new_revision:
        print(f"{settings.new_revision} gets no requests yet: make canary OLD={old} NEW={settings.new_revision}")
    else:
        print(f"{settings.new_revision} serves")
    return 0


def _deployment(settings: DeploySettings, out: Path) -> list[list[str]]:
    place = [f"--region={settings.region}", f"--project={settings.project}"]
    return [
        ["projects", "describe", settings.project, "--format=json"],
        ["run", "services", "describe", settings.service, *place, "--format=json"],
        ["run", "services", "replace", str(out), *place],
    ]


def job(options: Options) -> int:
    """Print the description of a job that scores files, and its gcloud commands. Run them with --yes."""
    settings = read_settings(*SCORED)
    if not 1 <= options.tasks <= MAX_TASKS:
        raise Refusal(f"--tasks {options.tasks}: expected 1 to {MAX_TASKS}")
    description = render_job(settings, options.arguments, options.tasks)
    place = [f"--region={settings.region}", f"--project={settings.project}"]
    commands = [
        ["run", "jobs", "replace", str(options.out), *place],
        ["run", "jobs", "execute", f"{settings.service}-score", *place],
    ]
    print(description)
    for command in commands:
        print(gcloud.shell_command(command), flush=True)
    write_atomically(options.out, description.encode())
    for command in commands if options.yes else ():
        gcloud.run([*command, "--quiet"], float(settings.gcloud_seconds))
    return 0


def accounts(options: Options) -> int:
    """Print every command that sets up a project: places, accounts, roles, workflows. Run them with --yes."""
    settings = read_settings(*PLACE, "bucket", "repository_id")
    number = iam.project_number(settings) if options.yes else iam.PROJECT_NUMBER
    everything = iam.commands(settings, number)
    for command in everything:
        print(gcloud.shell_command(command), flush=True)
    for index, command in enumerate(everything if options.yes else (), start=1):
        try:
            done = iam.apply(command, float(settings.gcloud_seconds))
        except Refusal as refusal:
            raise Refusal(
                f"{refusal}; {index - 1} of {len(everything)} are done, run it again for the rest"
            ) from refusal
        print(f"{index}/{len(everything)} {done}: {gcloud.shell_command(command[:4])}", flush=True)
    return 0


def alerts(options: Options) -> int:
    """Write the alerts as policies of Cloud Monitoring and print each command. Install or replace them with --yes."""
    settings = read_settings("project")
    seconds = float(settings.gcloud_seconds)
    look = policies.list_command(settings)
    print(gcloud.shell_command(look), flush=True)
    there = policies.ours(settings, gcloud.run_json(look, seconds)) if options.yes else {}
    wanted = policies.policies(settings, options.channel)
    for name in sorted(there.keys() - {policy["displayName"] for policy in wanted}):
        print(f"# {name} is no alert any more; it stays until you delete {there[name]['name']}", flush=True)
    for policy in wanted:
        name = policy["displayName"]
        if name in there and not options.channel:
            policy["notificationChannels"] = there[name].get("notificationChannels", [])
        path = options.out / f"{name.rpartition('/')[2]}.json"
        write_atomically(path, msgspec.json.format(msgspec.json.encode(policy)))
        write = policies.write_command(settings, path, there[name]["name"] if name in there else None)
        print(gcloud.shell_command(write), flush=True)
        if options.yes:
            gcloud.run([*write, "--quiet"], seconds)
    return 0


def canary(options: Options) -> int:
    """Shift traffic to a new revision step by step while it is as good as the old one. Otherwise roll it back."""
    wanted = plan_of(options)
    splitter = splitter_of(options)
    if options.old == SERVING:
        options.old = serving(splitter, options.new)
        if options.old is None:
            print(f"promoted: all requests go to {options.new} already")
            return PROMOTED
    share_of(splitter, options.old, options.new)  # raises if one of the two does not exist
    pair = Pair(options.old, options.new, *sources_of(options), *fronts_of(options))
    golden = GoldenCheck(address_of(options, splitter), options.bundle)
    audit = Audit(options.audit, splitter.name)
    try:
        outcome = Canary(wanted, splitter, pair, golden, audit, _say).run(options.again)
    finally:
        audit.close()
    print(outcome.summary)
    return outcome.status


def status(options: Options) -> int:
    """Print each revision's share, and the last lines of the audit log."""
    splitter = splitter_of(options)
    for revision, share in sorted(splitter.shares().items(), key=lambda each: -each[1]):
        print(f"{share:6.2f} %  {revision}")
    for entry in [each for each in read_entries(options.audit) if each.splitter == splitter.name][-options.lines :]:
        print(f"{entry.at:%F %T} {entry.old} -> {entry.new}: {entry.event} {entry.share:g} % {entry.why}".rstrip())
    return 0


def metrics(options: Options) -> int:
    """Print the page of metrics that python -m app.metrics.drift reads, for all instances, from Prometheus."""
    if options.prometheus:
        print(drift_page(options.prometheus, options.match or "", options.hours), end="")
        return 0
    settings = read_settings(*PLACE)
    url, token = managed(settings)
    match = options.match or f'service_name="{settings.service}"'
    print(drift_page(url, match, options.hours, token), end="")
    return 0


def ask(options: Options) -> int:
    """Print the result of an expression in PromQL. Recorded series are put in their whole expressions."""
    expression = expanded(options.expression, recorded(RULES.read_text(encoding="utf-8")))
    url, headers = options.prometheus, {}
    if not url:
        url, token = managed(read_settings(*PLACE))
        headers = {"Authorization": f"Bearer {token()}"}
    print(shown(query(url, expression, headers)))
    return 0


def rollback(options: Options) -> int:
    """Send all requests to the old revision, whatever the canary has decided."""
    splitter = splitter_of(options)
    audit = Audit(options.audit, splitter.name)
    try:
        shares = splitter.shares()
        missing = sorted({options.old, options.new} - set(shares))
        if missing:
            there = ", ".join(sorted(shares)) or "none"
            raise Refusal(f"{splitter.name} has no revision {', '.join(missing)}; there are: {there}")
        audit.write("rolling back", options.old, options.new, shares[options.new], "by hand")
        back_and_see(splitter, options.old, options.new)
        audit.write("rolled back", options.old, options.new, 0, "by hand")
    finally:
        audit.close()
    print(f"all requests go to {options.old}")
    return 0


def show_odds(options: Options) -> int:
    """Simulate how often a canary stops a good revision, and how often it finds a bad one."""
    wanted = plan_of(options)
    print(table(wanted, odds(wanted, options.canaries), options.canaries))
    return 0


def _say(line: str) -> None:
    print(line, flush=True)
