"""What an operator can set, from the environment. Read once, at start-up."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from contract.refusal import Refusal


class Settings(msgspec.Struct, frozen=True, rename="upper"):
    """Each field is an environment variable of the same name in capitals."""

    host: str = "0.0.0.0"  # noqa: S104  # a container is reached from outside it
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    bundle: str = "artifacts/bundle"  # directory that `python -m compile` wrote
    max_body_bytes: Annotated[int, Meta(ge=1)] = 65_536  # of a request; larger ones are answered 413
    max_batch_bytes: Annotated[int, Meta(ge=1)] = 33_554_432  # of an inference request; Cloud Run's limit for HTTP/1
    max_batch_rows: Annotated[int, Meta(ge=1)] = 1_048_576  # of one; 16 MiB as a binary tensor
    shutdown_seconds: Annotated[int, Meta(ge=0)] = 1  # for answers under way after SIGTERM
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def bundle_path(self) -> Path:
        """`bundle` as a path."""
        return Path(self.bundle)


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
