"""A decorator for metrics, logs and traces: an exception there is logged, and never reaches a client's request."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

Arguments = ParamSpec("Arguments")
FAULT = "Exception in telemetry"

logger = logging.getLogger("uvicorn.error")


def harmless(method: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Return a method that never raises: it logs any exception of `method` and returns."""

    @wraps(method)
    def guarded(*arguments: Arguments.args, **named: Arguments.kwargs) -> None:
        try:
            method(*arguments, **named)
        except Exception as error:  # any exception: requests are still answered
            logger.error(FAULT, exc_info=error)

    return guarded
