"""The page docs/conformance.md: `python -m tests.app.http.conformance.page > docs/conformance.md` writes it."""

import sys
from itertools import groupby

from tests.app.http.conformance.case import Case
from tests.app.http.conformance.cases import CASES
from tests.support.commands import ROOT

PAGE = ROOT / "docs" / "conformance.md"

HEADING = f"""# HTTP/1.1, point by point

`python -m tests.app.http.conformance.page > docs/conformance.md` writes this page; do not edit it. RFC 9112 demands
what these {len(CASES)} cases check, or leaves it to the server; RFC 9110 says what requests mean. We wrote the cases.
`tests/app/http/conformance/test_app_conformance.py` sends them through real sockets to the service with its fast path
and without it. Cases of "any server" are also sent to another ASGI server, granian.

Every case also checks this: The answer is parsed strictly. It has a date. It has either Content-Length or chunks,
never both. An error is a problem document. A connection that ends says so in its last answer, and ends without a reset.
A connection that stays open answers another request. The log has no traceback.

| section | requirement | answer | of | case |
| --- | --- | --- | --- | --- |"""


def page() -> str:
    """Return the text of docs/conformance.md."""
    return "\n".join([HEADING, *map(row, CASES), ""])


def row(case: Case) -> str:
    """Return the row of a case in the page's table."""
    whose = "any server" if case.anywhere else "ours"
    return f"| {case.section} | {case.requirement} | {answers(case)} | {whose} | {case.name} |"


def answers(case: Case) -> str:
    """Return the expected answers in few words: `200, 400, closed`."""
    each = [" or ".join(map(str, want.statuses)) + (" or nothing" if want.maybe else "") for want in case.wants]
    runs = [(text, len(list(same))) for text, same in groupby(each)]
    words = [text if count == 1 else f"{count} x {text}" for text, count in runs]
    return ", ".join([*words, *(["closed"] if case.end == "closed" else [])])


if __name__ == "__main__":
    sys.stdout.write(page())
