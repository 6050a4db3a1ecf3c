"""Text that other people wrote, made safe for a terminal and a log: names in a store, words that nobody signed."""


def printable(text: str) -> str:
    """Return the text as one line. Control characters and characters that hide text are escaped as in Python."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
