"""What an operator can set, from the environment. Read once, at start-up."""

import os
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from contract.refusal import Refusal

BUILT = "artifacts/bundle"  # what `python -m compile` writes
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, rename="upper"):
    """Each field is an environment variable of the same name in capitals."""

    host: str = "0.0.0.0"  # noqa: S104  # a container is reached from outside it
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"  # auto: text where stdout is a terminal
    log_lines_per_second: Annotated[int, Meta(ge=0)] = 100  # of the request log; beyond, successes are left out
    google_cloud_project: str = ""  # names traces in the log as Google does
    server_timing: bool = False  # every prediction says how long its parts took; else who asks for it
    otel_exporter_otlp_endpoint: str = ""  # where spans of sampled requests are sent: http://127.0.0.1:4318
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 9464  # 0: none
    workers: Count = 1  # processes; one a core
    fast_path: bool = True  # answer what never waits without the application's machinery

    # What is served: docs/bundles.md.
    bundle: str = BUILT  # DIRECTORY, STORE#CHANNEL or STORE@DIGEST; STORE is a directory or gs://BUCKET/PREFIX
    baked_bundle: str = ""  # directory in the image, where nothing else can be had
    bundle_cache: str = ""  # directory for the last known good; empty: none
    trusted_keys: str = ""  # public keys, of which one has to have signed what comes from elsewhere
    allow_unsigned_bundles: bool = False  # excuse an absent signature, never a wrong one
    fetch_seconds: Seconds = 10  # until a start falls back
    follow_seconds: Annotated[float, Meta(ge=0)] = 0  # between two looks at the channel; 0: never look again
    poll_seconds: Seconds = 10  # for each of them
    challenger_uri: str = ""  # a second bundle, which is asked what was answered; empty: none

    # Of one request. Beyond: 413, 414, 431.
    max_body_bytes: Count = 65_536
    max_batch_bytes: Count = 33_554_432  # of an inference request; Cloud Run's limit for HTTP/1
    max_batch_rows: Count = 1_048_576  # of one; 16 MiB as a binary tensor
    max_batch_memory_bytes: Annotated[int, Meta(ge=0)] = (
        0  # of all batches of a worker at once; 0: by the limit there is
    )
    max_request_line_bytes: Count = 8_192
    max_header_bytes: Count = 16_384

    # How long a connection may take. Beyond: 408, or closed where no request has begun.
    first_byte_seconds: Seconds = 10
    header_seconds: Seconds = 10  # from a request's first byte to the end of its headers
    body_seconds: Seconds = 60  # from there to the end of its body
    keep_alive_seconds: Seconds = 75  # idle between two requests
    write_seconds: Seconds = 30  # without the client reading anything of an answer that waits for it

    # How much at once. Beyond: 503, 429.
    max_connections: Count = 1_000  # of one worker; idle ones make room for new ones
    max_requests_per_connection: Count = 10_000  # then it is closed, so that load spreads anew
    max_in_flight: Count = 64  # requests that wait: batches and documents; predictions never do
    max_lag_milliseconds: Count = 250  # that a request may have waited for its turn
    requests_per_second: Annotated[float, Meta(ge=0)] = 0  # of one client's address; 0: as many as it likes
    burst_requests: Count = 20  # that may come at once before requests_per_second counts
    trusted_proxies: Annotated[int, Meta(ge=0)] = 0  # in front, each adding its client's address to X-Forwarded-For

    # From SIGTERM to the end: at most 8 s in all.
    not_ready_seconds: Annotated[float, Meta(ge=0, le=3)] = 1  # answers all, but /health/ready says 503
    shutdown_seconds: Annotated[int, Meta(ge=0, le=4)] = 4  # for answers under way after that


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from environment variables; an empty one counts as absent. Raises Refusal, naming the variable."""
    names = {field.encode_name for field in msgspec.structs.fields(Settings)}
    given = {name: value for name, value in environment.items() if name in names and value}
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        raise Refusal(f"environment variable {name}={given.get(name)!r}: {message}") from error
