"""python -m score.lake.package FILE: the code that spark-submit carries to a cluster (make spark-zip)."""

import io
import sys
import zipfile
from pathlib import Path

from contract.files import write_atomically
from contract.refusal import Refusal, exit_status

ROOT = Path(__file__).parents[2]
STAGES = ("contract", "binding", "bundle", "score")
MADE = (1980, 1, 1, 0, 0, 0)  # the same code gives the same bytes


def packed(root: Path = ROOT) -> bytes:
    """Return a zip of our Python files. Whatever they import beside the standard library must be installed there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for stage in STAGES for path in (root / stage).rglob("*.py")):
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), MADE)
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def main(arguments: list[str]) -> None:
    """Write the zip. Raises Refusal."""
    if len(arguments) != 1:
        raise Refusal(f"expected one file, found {len(arguments)}; type: python -m score.lake.package score.zip")
    out = Path(arguments[0])
    write_atomically(out, packed())
    print(f"wrote {out}")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: main(sys.argv[1:])))
