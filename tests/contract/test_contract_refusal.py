"""What refusals tell people to do."""

import re

from tests.support.commands import ROOT


def test_the_service_never_says_make() -> None:
    """No refusal of the service tells a person to type make."""
    for folder in ("app", "bundle", "contract"):
        for path in sorted((ROOT / folder).glob("*.py")):
            assert not re.search(r"\bmake (compile|train|run)\b", path.read_text(encoding="utf-8")), path
