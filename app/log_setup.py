"""The process's own messages, of its start, its end and its faults: lines of JSON, or text for a person.

They never wait: `Writer` has them written to stderr.
"""

import logging
import os
import sys
import traceback
from datetime import UTC, datetime

import orjson

from app.log_writer import Writer
from app.settings import Settings

SEVERITIES = {"WARN": "WARNING", "FATAL": "CRITICAL", "TRACE": "DEBUG"}
CLOSE_SECONDS = 1.0
STDERR = 2


def json_wanted(settings: Settings) -> bool:
    """As LOG_FORMAT says; `auto` is text where stdout is a terminal."""
    return settings.log_format == "json" or (settings.log_format == "auto" and not os.isatty(1))


class JsonFormatter(logging.Formatter):
    """One line, whatever is in the message."""

    def format(self, record: logging.LogRecord) -> str:
        """With the traceback in the message, where Cloud Error Reporting looks for it."""
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
    """As uvicorn writes them."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s:     %(message)s")


class LineHandler(logging.Handler):
    """Hands whole lines to a writer."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self.writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held, so lines are given by one thread at a time."""
        try:
            self.writer.write([self.format(record).encode("utf-8", "backslashreplace") + b"\n"])
        except Exception:  # noqa: BLE001  # what cannot be said must not end what works
            self.handleError(record)

    def close(self) -> None:
        """At the interpreter's end, too."""
        self.writer.close(CLOSE_SECONDS)
        super().close()


def set_up_logging(settings: Settings) -> None:
    """Once a process, before its first message."""
    handler = LineHandler(Writer(STDERR))
    handler.setFormatter(JsonFormatter() if json_wanted(settings) else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(settings.log_level.upper())
    logging.getLogger("uvicorn.access").propagate = False
    logging.raiseExceptions = sys.flags.dev_mode
