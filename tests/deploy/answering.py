"""A server that has one answer, and keeps what it was asked."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.fakes import Handler, running


@contextmanager
def answering(status: int, version: str, body: bytes, paths: list[str] | None = None) -> Iterator[str]:
    """Run a server that has one answer, and adds each path to `paths`. Yields its address."""

    class Fixed(Handler):
        def respond(self, _: bytes) -> None:
            if paths is not None:
                paths.append(self.path)
            self.answer(status, {"model-version": version}, body)

    with running(Fixed) as port:
        yield f"http://127.0.0.1:{port}"
