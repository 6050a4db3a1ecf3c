"""Telemetry of three kinds, to see what each costs: none at all, counts, and counts with a line for every request."""

import os

from app.answer import Answer
from app.bundle import Bundle
from app.connection import Connection
from app.log_lines import JsonLines
from app.log_writer import Writer
from app.operation import Operation
from app.request_log import RequestLog
from app.settings import Settings
from app.telemetry import Telemetry

WITHOUT_BOUND = 1 << 60


class Unobserved(Telemetry):
    """Sees nothing."""

    def answered(self, connection: Connection, operation: Operation, answer: Answer) -> None:
        """Do nothing."""


def logging_none(settings: Settings, bundle: Bundle) -> Telemetry:
    """All counters; the log's budget is spent, as it is at full speed."""
    made = Telemetry(settings)
    made.metrics.set_model(bundle.version, getattr(bundle.training, "reference", None))
    made.log.room = 0
    return made


def logging_all(settings: Settings, bundle: Bundle) -> Telemetry:
    """All counters, and every request is logged, to nowhere."""
    made = logging_none(settings, bundle)
    writer = Writer(os.open(os.devnull, os.O_WRONLY))
    made.log = RequestLog(JsonLines("", 0).line, writer, WITHOUT_BOUND, json=True)
    return made
