"""The settings of the service, from environment variables. They are read once, at start-up."""

import os
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from app.core.origins import parse_origins
from contract.refusal import Refusal

BUILT = "artifacts/bundle"  # what `python -m compile` writes
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]  # at most a day: timers do not accept infinity


class Settings(msgspec.Struct, frozen=True, rename="upper"):
    """The settings. Each field is read from the environment variable with the same name in capitals."""

    host: str = "0.0.0.0"  # noqa: S104  # clients of a container are outside it
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"  # auto: text if stdout is a terminal, else json
    log_lines_per_second: Annotated[int, Meta(ge=0)] = 100  # of the request log; above it, successes are left out
    google_cloud_project: str = ""  # if set, the log names traces in Google Cloud's format
    server_timing: bool = False  # add Server-Timing to every prediction; if false, only if the client asks for it
    otel_exporter_otlp_endpoint: str = ""  # where spans of sampled requests are sent: http://127.0.0.1:4318
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 9464  # 0: no metrics
    workers: Count = 1  # serving processes; set one per core
    fast_path: bool = True  # answer operations that never block without Starlette
    allowed_origins: str = ""  # pages of other origins that may ask, such as https://field.example; empty: none; *: all

    # What is served: docs/bundles.md.
    bundle: str = BUILT  # DIRECTORY, STORE#CHANNEL or STORE@DIGEST; STORE is a directory or gs://BUCKET/PREFIX
    model_name: str = ""  # the name in its contract that BUNDLE must have; empty: any
    baked_bundle: str = ""  # a directory in the image that stands in for a BUNDLE of MODEL_NAME; empty: none
    bundle_cache: str = ""  # a directory for the last bundle that worked; empty: no cache
    trusted_keys: str = ""  # public keys; a bundle from elsewhere must be signed by one of them
    allow_unsigned_bundles: bool = False  # accept a missing signature, never a wrong one
    fetch_seconds: Seconds = 10  # to fetch a bundle at start-up, before a fallback is used
    follow_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 0  # between two polls of the channel; 0: never poll
    poll_seconds: Seconds = 10  # for one poll
    challenger_uri: str = ""  # a second bundle, whose answers are compared with those sent to clients; empty: none

    # Limits of one request. A larger one is answered with 413, 414 or 431.
    max_body_bytes: Annotated[int, Meta(ge=0)] = 0  # 0: what a row of the contract needs, at least 65,536
    max_batch_bytes: Count = 33_554_432  # of an inference request; Cloud Run's limit for HTTP/1
    max_batch_rows: Count = 1_048_576  # of an inference request; 16 MiB as a binary tensor
    batch_threads: Annotated[int, Meta(ge=1, le=64)] = 1  # that one large batch may use; each takes a core meanwhile
    max_batch_memory_bytes: Annotated[int, Meta(ge=0)] = 0  # of all batches in a worker; 0: from the memory limit
    max_request_line_bytes: Count = 8_192
    max_header_bytes: Count = 16_384

    # How long a connection may take. After that it is answered with 408, or closed if no request has begun.
    first_byte_seconds: Seconds = 10
    header_seconds: Seconds = 10  # from a request's first byte to the end of its headers
    body_seconds: Seconds = 60  # from the end of its headers to the end of its body
    keep_alive_seconds: Seconds = 75  # idle between two requests
    write_seconds: Seconds = 30  # in which the client reads nothing of an answer that is being sent

    # How much at once. Further requests are answered with 503 or 429.
    max_connections: Count = 1_000  # of one worker; idle connections are closed to make room for new ones
    max_requests_per_connection: Count = 10_000  # then it is closed, so that load balancers spread load again
    max_in_flight: Count = 64  # requests that wait: batches and documents; predictions never wait
    max_lag_milliseconds: Count = 250  # that a request may wait before it is handled
    requests_per_second: Annotated[float, Meta(ge=0)] = 0  # of one client address; 0: no limit
    burst_requests: Count = 20  # that one client may send at once before requests_per_second applies
    trusted_proxies: Annotated[int, Meta(ge=0)] = 0  # in front; each adds its client's address to X-Forwarded-For

    # From SIGTERM to the end: at most 8 s in all.
    not_ready_seconds: Annotated[float, Meta(ge=0, le=3)] = 1  # requests are answered, but /health/ready says 503
    shutdown_seconds: Annotated[int, Meta(ge=0, le=4)] = 4  # after that, for the requests in progress


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings from environment variables. An empty variable counts as absent.

    Raises Refusal, which names the variable, if a value is wrong.
    """
    names = {field.encode_name for field in msgspec.structs.fields(Settings)}
    given = {name: value for name, value in environment.items() if name in names and value}
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        raise Refusal(f"environment variable {name}={given.get(name)!r}: {message}") from error
    if settings.allowed_origins:
        parse_origins(settings.allowed_origins)
    return settings
