"""Records of requests, as telemetry gets them."""

from typing import Any

from app.model.serving import Serving
from app.telemetry.described import Described
from app.telemetry.exchange import Exchange
from app.telemetry.log_lines import JsonLines
from contract.reading import PENGUINS, read_contract
from contract.schema import Contract


def described_by(contract: Contract | None) -> Described:
    """Return what describes predictions of a service with this contract."""
    serving = Serving()
    serving.contract = contract
    return Described(serving)


JSON = JsonLines("some-project", 1, described_by(read_contract(PENGUINS)))


def exchange(status: int = 200, **parts: Any) -> Exchange:
    """Make one record with what the test is about."""
    usual = Exchange(
        ended=1.7e9,
        seconds=12.5e-6,
        head=b"",
        method=b"POST",
        target=b"/predict",
        version="1.1",
        headers=[],
        client=("127.0.0.1", 5),
        status=status,
        answer_bytes=148,
        answer=None,
        prediction=None,
    )
    return usual._replace(**parts)
