"""The parts of a file that are examined, its beginning and its end, and its name as a shell command needs it."""

import shlex
from pathlib import Path

import msgspec

HEAD = 1 << 20  # bytes
TAIL = 1 << 16  # bytes
SPACE = b" \t\r\n"  # white space in JSON
SAVE_BOOSTER = "in Python, where it was made, type booster.save_model('model.json')"
EXPECTED = f"expected is a model that XGBoost saved as .json or .ubj: {SAVE_BOOSTER}"
ONLY_XGBOOST = "this service compiles the trees of XGBoost only, and cannot convert this"
DATA = "data, not a model; give a model that XGBoost saved as .json or .ubj"


class Sample(msgspec.Struct, frozen=True):
    """The beginning and the end of a file. `whole` means that `head` is all of it."""

    path: Path
    head: bytes
    tail: bytes
    whole: bool

    @classmethod
    def of(cls, path: Path, data: bytes, whole: bool = True) -> "Sample":
        """Return the first megabyte and the last 64 KiB of `data`. `whole` means that `data` is all of the file."""
        return cls(path, data[:HEAD], data[-TAIL:], whole and len(data) <= HEAD)

    @property
    def text(self) -> bytes:
        """Return the beginning without leading white space."""
        return self.head.lstrip(SPACE)

    @property
    def name(self) -> str:
        """Return the path as a shell reads it."""
        return for_shell(self.path)

    def fresh_path(self, suffix: str = ".json") -> Path:
        """Return a new file's path in the working directory, for a command's output. It is never this file's name."""
        return Path(f"{self.path.stem if self.path.stem.isprintable() else 'model'}.new{suffix}")

    def fresh(self, suffix: str = ".json") -> str:
        """Return the new file's name as a shell reads it."""
        return for_shell(self.fresh_path(suffix))


def for_shell(path: Path | str) -> str:
    """Return the path quoted for a shell. An unprintable path becomes FILE. One like an option gets ./ in front."""
    text = str(path)
    if not text.isprintable():
        return "FILE"
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def printable_start(name: bytes | str, length: int = 60) -> str:
    """Return the first characters of what a file says, on one line and without control characters."""
    text = name[:length].decode("utf-8", "replace") if isinstance(name, bytes) else name[:length]
    return "".join(character if character.isprintable() else "?" for character in text)
