from pathlib import Path

from benchmarks.swap import Channel, swap_often


def test_two_releases_are_swapped_often(bundle_path: Path, tmp_path: Path) -> None:
    """Both are signed and published; what is held does not grow with the number of swaps."""
    channel = Channel(bundle_path, tmp_path)
    first, second = channel.releases
    assert first.digest != second.digest
    assert first.signed_by == channel.key.public.key_id
    channel.promote()
    held, milliseconds = swap_often(channel, 120)
    assert milliseconds > 0
    assert [row[0] for row in held] == [100, 120]
    assert held[0][1:3] == held[1][1:3]
