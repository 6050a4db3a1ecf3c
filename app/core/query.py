"""Options in the query of a request: /predict?p_values=true. Unknown ones are ignored, as unknown fields are."""

from urllib.parse import parse_qsl

from app.core.answer import Answer, Problem, problem

P_VALUES, INTERACTIONS = "p_values", "interactions"
MOST_OPTIONS = 100
SHOWN_CHARACTERS = 40  # of a wrong value
VALUES = {"true": True, "false": False}


def option(query: bytes, name: str) -> bool | Answer:
    """Return whether the option is `true`, or the answer that refuses its value. If it is repeated, the last one wins.

    `query` is what follows the question mark.
    """
    if not query:
        return False
    try:
        given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_OPTIONS))
    except ValueError:
        return _refused(f"the query has more than {MOST_OPTIONS} options; send fewer")
    value = given.get(name, "false")
    if value in VALUES:
        return VALUES[value]
    return _refused(f"{name}: expected true or false, found {value[:SHOWN_CHARACTERS]!a}; send ?{name}=true")


def _refused(detail: str) -> Answer:
    return problem(Problem("Bad Request", 400, detail))
