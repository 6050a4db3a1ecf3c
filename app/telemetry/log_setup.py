"""Logging of the process's own messages (start, stop, faults), as JSON lines or as text.

A message never waits: a `Writer` writes it to stderr.
"""

import logging
import os
import sys
import traceback
from datetime import UTC, datetime

import orjson

from app.core.settings import Settings
from app.telemetry.log_writer import Writer

SEVERITIES = {"WARN": "WARNING", "FATAL": "CRITICAL", "TRACE": "DEBUG"}
CLOSE_SECONDS = 1.0
STDERR = 2


def json_wanted(settings: Settings) -> bool:
    """Return whether LOG_FORMAT asks for JSON; `auto` does unless stdout is a terminal."""
    return settings.log_format == "json" or (settings.log_format == "auto" and not os.isatty(1))


class JsonFormatter(logging.Formatter):
    """A formatter whose output is always one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON. The traceback is in the message: Cloud Error Reporting looks for it there."""
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        document = {
            "severity": SEVERITIES.get(record.levelname, record.levelname),
            "message": message.encode("utf-8", "backslashreplace").decode(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
        }
        return orjson.dumps(document).decode()


class TextFormatter(logging.Formatter):
    """A formatter whose output looks like uvicorn's."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s:     %(message)s")


class LineHandler(logging.Handler):
    """A handler that gives whole lines to a writer."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self.writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record. Logging holds the handler's lock, so one thread at a time is here."""
        try:
            self.writer.write([self.format(record).encode("utf-8", "backslashreplace") + b"\n"])
        except Exception:  # noqa: BLE001  # a message that cannot be written must not end anything
            self.handleError(record)

    def close(self) -> None:
        """Write what is pending. Logging also calls this when the interpreter ends."""
        self.writer.close(CLOSE_SECONDS)
        super().close()


def set_up_logging(settings: Settings) -> None:
    """Set up logging. Call it once per process, before the first message."""
    handler = LineHandler(Writer(STDERR))
    handler.setFormatter(JsonFormatter() if json_wanted(settings) else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(settings.log_level.upper())
    logging.getLogger("uvicorn.access").propagate = False
    logging.raiseExceptions = sys.flags.dev_mode
