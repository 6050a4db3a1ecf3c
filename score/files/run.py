"""A job from its plan to its manifest. Whoever runs it again does what is missing, and no more."""

import sys
from typing import IO

import msgspec

from bundle.address import parse_address
from contract.refusal import Refusal
from score.bundle import Bundle, fetch_verified, load_verified
from score.files.crew import Crew
from score.files.finding import find
from score.files.job import MANIFEST_FILE, PLAN_FILE, Failed, Manifest, Options, Part, Plan, Record
from score.files.opening import Place, open_place
from score.files.parts import parts_of
from score.files.progress import Progress
from score.files.worker import Task
from score.judged import p_values_asked

FAILED = 1  # the exit status if a part could not be answered
_decode_plan = msgspec.json.Decoder(Plan).decode
_decode_record = msgspec.json.Decoder(Record).decode


class Job(msgspec.Struct, frozen=True):
    """What a person typed. Of `tasks` on different machines this is number `task`."""

    sources: tuple[str, ...]
    out: str
    options: Options
    bundle: str
    processes: int
    task: int = 0
    tasks: int = 1
    quiet: bool = False


def run(job: Job) -> int:
    """Run a job. Return the exit status: 0, or 1 if a part failed. Raises Refusal for a mistake of the user."""
    inputs = find(job.sources, job.out)
    verified = fetch_verified(job.bundle)
    _check_options(job.options, load_verified(verified))
    address = parse_address(job.bundle)
    pinned = f"{address.place}@{verified.digest}" if address.in_store else job.bundle
    plan = Plan(verified.digest, job.options, inputs)
    parts, failed = parts_of(inputs)
    try:
        place = open_place(job.out)
        _take_place(place, plan, {part.output for part in parts}, job.out)
        done = place.names()
    except Failed as failure:
        raise Refusal(str(failure)) from failure
    own = parts[job.task :: job.tasks]
    missing = [part for part in own if not _is_done(part, done, job.options)]
    progress = Progress(missing, quiet=job.quiet)
    if not job.quiet:
        _announce(plan, parts, own, missing, job)
    for sentence in failed.values():
        progress.say(sentence)
    task = Task(pinned, verified.digest, job.options, job.out)
    crew = Crew(task, min(job.processes, len(missing)), progress)
    crew.answer(missing)
    progress.show(last=True)
    return _end(job, plan, parts, place, progress, crew.failed + len(failed))


def _check_options(options: Options, bundle: Bundle) -> None:
    if options.p_values:
        p_values_asked(bundle.contract, bundle.uncertainty)
    inputs = bundle.contract.input_names
    unknown = [name for name in options.columns if name not in inputs]
    if unknown:
        raise Refusal(f"--columns: expected names of inputs, {', '.join(inputs)}; found {unknown[0]}")


def _take_place(place: Place, plan: Plan, outputs: set[str], out: str) -> None:
    """Write the plan, or compare it with the one that is there. Raises Refusal if it is another one, and Failed.

    Raises Refusal, too, if there is no plan but a file that would be overwritten.
    """
    encoded = msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n"
    if PLAN_FILE not in (names := place.names()):
        if (taken := sorted(names & outputs)) and PLAN_FILE not in place.names():
            raise Refusal(
                f"{out}: expected a place without {taken[0]}, which would be overwritten; choose another --out"
            )
        try:
            place.create(PLAN_FILE, lambda file: _write(file, encoded))
        except Failed:
            if PLAN_FILE not in place.names():  # else another task was first
                raise
    found = place.read(PLAN_FILE)
    if found == encoded:
        return
    try:
        there = _decode_plan(found)
        if there == plan:  # an earlier version wrote it, which knew fewer options
            return
        difference = _difference(there, plan)
    except msgspec.DecodeError:
        difference = f"expected the plan of a job in {PLAN_FILE}, found something else"
    raise Refusal(f"{out}: {difference}; choose another --out, or remove what is there")


def _difference(there: Plan, asked: Plan) -> str:
    if there.bundle != asked.bundle:
        return f"expected bundle {there.bundle[:16]}, with which this place was begun; found {asked.bundle[:16]}"
    for field in ("bad_rows", "keep", "columns", "p_values"):
        option = f"--{field.replace('_', '-')}"
        old, new = getattr(there.options, field), getattr(asked.options, field)
        if old != new:
            return f"expected {option} {old}, with which this place was begun; found {new}"
    before = {each.path: each for each in there.inputs}
    after = {each.path: each for each in asked.inputs}
    if gone := sorted(before.keys() - after.keys()):
        return f"expected the input {gone[0]}, with which this place was begun; it is not there"
    if new := sorted(after.keys() - before.keys()):
        return f"expected the inputs with which this place was begun; found another one, {new[0]}"
    changed = next(path for path in before if before[path] != after[path])
    return f"expected {changed} as it was when this place was begun ({before[changed].state}); it has changed"


def _is_done(part: Part, names: set[str], options: Options) -> bool:
    outputs = {part.output, *([part.separated] if options.bad_rows == "separate" else [])}
    return part.record in names and outputs <= names


def _announce(plan: Plan, parts: list[Part], own: list[Part], missing: list[Part], job: Job) -> None:
    whole = sorted({part.source.form for part in parts if part.group is None})
    note = f"; a file of {' or '.join(whole)} is one part" if whole else ""
    mine = f", {len(own)} of them for task {job.task + 1} of {job.tasks}" if job.tasks > 1 else ""
    done = f", {len(own) - len(missing)} done before" if len(own) > len(missing) else ""
    print(
        f"{len(plan.inputs)} files, {len(parts)} parts{mine}{done}; bundle {plan.bundle[:16]}{note}",
        file=sys.stderr,
        flush=True,
    )


def _end(job: Job, plan: Plan, parts: list[Part], place: Place, progress: Progress, failed: int) -> int:
    """Write the manifest if all parts are done. Return the exit status."""
    try:
        names = place.names()
        complete = not failed and all(_is_done(part, names, job.options) for part in parts)
        if complete and MANIFEST_FILE not in names:
            records = tuple(_decode_record(place.read(part.record)) for part in parts)
            rows, bad = sum(each.rows for each in records), sum(each.bad_rows for each in records)
            manifest = Manifest(plan.bundle, plan.options, rows, bad, records)
            encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
            place.create(MANIFEST_FILE, lambda file: _write(file, encoded))
    except (Failed, msgspec.DecodeError) as failure:
        progress.say(f"{job.out}/{MANIFEST_FILE}: {failure}")
        return FAILED
    if not job.quiet:
        state = "this task is done, others are not"
        if complete or failed:
            state = f"complete: {job.out}/{MANIFEST_FILE}" if complete else "not complete: run the command again"
        counted = f"{progress.rows:,} rows, {progress.bad_rows:,} of them bad, in {progress.seconds:.1f} s"
        print(f"{counted}; {state}", file=sys.stderr)
    return FAILED if failed else 0


def _write(file: IO[bytes], data: bytes) -> None:
    file.write(data)
