"""Which telemetry a process has: spans only if they are configured."""

from app.core.settings import Settings
from app.model.serving import Serving
from app.telemetry.recorder import Telemetry


def new_telemetry(settings: Settings, serving: Serving, descriptor: int) -> Telemetry:
    """Return telemetry, with spans if they are configured. Else OpenTelemetry is not imported. Raises Refusal."""
    if settings.otel_exporter_otlp_endpoint:
        from app.telemetry.traces import TracedTelemetry

        return TracedTelemetry(settings, serving, descriptor)
    return Telemetry(settings, serving, descriptor)
