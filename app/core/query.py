"""What a request asks for in the query of its target: /predict?p_values=true, /score?p_values=true."""

from urllib.parse import parse_qsl

from app.core.answer import Answer, Problem, problem

P_VALUES = "p_values"
WANTED = {"true": True, "false": False}


def asks_for_p_values(query: bytes) -> bool | Answer:
    """Return whether a query asks for p-values, or the answer that refuses its value.

    Other parameters are ignored. If one is repeated, the last value wins.
    """
    if not query:
        return False
    value = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get(P_VALUES, "false")
    if value in WANTED:
        return WANTED[value]
    shown = ascii(value[:40])
    detail = f"{P_VALUES}: expected true or false, found {shown}; send ?{P_VALUES}=true"
    return problem(Problem("Bad Request", 400, detail))
