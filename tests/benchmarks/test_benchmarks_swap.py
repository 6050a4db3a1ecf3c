from pathlib import Path

from benchmarks.swap import Channel, Holding, cold_load_ms, page, swap_often


def test_two_releases_are_swapped_often(bundle_path: Path, tmp_path: Path) -> None:
    """Both are signed and published; what is held does not grow with the number of swaps."""
    channel = Channel(bundle_path, tmp_path)
    first, second = channel.releases
    assert first.digest != second.digest
    assert first.signed_by == channel.key.public.key_id
    channel.promote()
    held, milliseconds = swap_often(channel, 120)
    assert milliseconds > 0
    assert [row.swaps for row in held] == [100, 120]
    assert held[0][1:3] == held[1][1:3]


def test_a_signed_bundle_is_loaded_in_a_fresh_process(bundle_path: Path, tmp_path: Path) -> None:
    """As its environment says."""
    channel = Channel(bundle_path, tmp_path)
    signed = {"BUNDLE": channel.releases[0].origin.place, "TRUSTED_KEYS": str(channel.key.public)}
    assert cold_load_ms(signed, starts=1) > 0


def test_the_page_has_all_figures() -> None:
    """In Markdown, lines and rows."""
    text = page({"signed": 10.44}, 208, ([0.4, 0.5, 0.6], [1.1, 1.2, 1.9]), [Holding(10_000, 5, 7, 37_468)], 1.17)
    for found in (
        "| signed | 10.4 |",
        "| polls and a swap | 1.10 | 1.20 | 1.90 | 1.90 |",
        "| 10,000 | 5 | 7 | 37,468 |",
    ):
        assert found in text
