"""One requirement of HTTP, and how it is put to the test."""

from typing import Literal, NamedTuple

from tests.app.http.conformance.messages import LIVE

Step = bytes | Literal["answer", "finish"]  # bytes to send, or: read the next answer first; say that no more will come
Steps = tuple[Step, ...]
End = Literal["open", "closed", "either"]  # of the connection, after the last answer


class Want(NamedTuple):
    """What a test expects of one answer."""

    statuses: tuple[int, ...]
    body: bytes = b""  # a part of it
    headers: tuple[str, ...] = ()  # that it must have
    head: bool = False  # it answers HEAD
    maybe: bool = False  # it may also be left out


class Case(NamedTuple):
    """One requirement, and how it is put to the test."""

    name: str
    section: str
    requirement: str
    steps: Steps
    wants: tuple[Want, ...]
    end: End = "open"
    anywhere: bool = True


def status(*statuses: int, headers: tuple[str, ...] = (), head: bool = False, maybe: bool = False) -> Want:
    """Expect an answer with one of these statuses."""
    return Want(statuses, headers=headers, head=head, maybe=maybe)


ADELIE = Want((200,), b'"species":"Adelie"')
ALIVE = Want((200,), b'{"status":"live"}')
ABOUT = Want((200,), b'"certificate"')
OPENED = Want((200,), b'"openapi"')
INFERRED = Want((200,), b'"outputs"')
CONTINUE = status(100)


def under(section: str, *cases: Case) -> list[Case]:
    """Put these cases under one section of an RFC."""
    return [case._replace(section=section) for case in cases]


def case(
    name: str, requirement: str, send: bytes | Steps, *wants: Want, end: End = "open", anywhere: bool = True
) -> Case:
    """Expect these answers, then by default a connection that answers another request."""
    return Case(name, "", requirement, send if isinstance(send, tuple) else (send,), wants, end, anywhere)


def refuse(name: str, requirement: str, send: bytes | Steps, *statuses: int) -> Case:
    """Expect a refusal (400 by default) that ends the connection: the request after it is not answered."""
    steps = send if isinstance(send, tuple) else (send + LIVE,)
    return Case(name, "", requirement, steps, (status(*(statuses or (400,))),), "closed", anywhere=False)


def tolerate(name: str, requirement: str, send: bytes, *statuses: int) -> Case:
    """Expect one of these statuses: a server may accept the request or refuse it."""
    return Case(name, "", requirement, (send,), (status(*statuses),), "either", anywhere=False)
