"""What a service keeps on disk."""

from pathlib import Path


def state(tmp_path: Path) -> bytes:
    """Return the bytes of the cache's state file, or none."""
    path = tmp_path / "cache" / "state.json"
    return path.read_bytes() if path.exists() else b""
