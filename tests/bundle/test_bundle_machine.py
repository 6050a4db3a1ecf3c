import struct

import pytest

from bundle.machine import check_machine
from bundle.refusal import BundleRefusal


def elf(machine: int, bits: int = 2, order: int = 1, kind: int = 3) -> bytes:
    return b"\x7fELF" + bytes([bits, order, 1]) + bytes(9) + struct.pack("<HH" if order == 1 else ">HH", kind, machine)


def mach_o(machine: int) -> bytes:
    return struct.pack("<II", 0xFEEDFACF, machine) + bytes(24)


@pytest.mark.parametrize(
    ("image", "platform"),
    [
        (elf(62), "linux-x86_64"),
        (elf(183), "linux-aarch64"),
        (elf(22, order=2), "linux-s390x"),
        (elf(258), "linux-loongarch64"),
        (mach_o(0x01000007), "darwin-x86_64"),
        (mach_o(0x0100000C), "darwin-arm64"),
    ],
)
def test_a_library_for_the_platform_passes(image: bytes, platform: str) -> None:
    """A library for this platform passes, and one for an unknown machine is left to the loader."""
    check_machine(image, platform, "it")


@pytest.mark.parametrize(
    ("image", "platform", "found"),
    [
        (elf(183), "linux-x86_64", "one for aarch64"),
        (elf(62), "linux-aarch64", "one for x86_64"),
        (elf(40), "linux-aarch64", "one for machine 40"),
        (elf(22, order=1), "linux-s390x", "one for machine 22"),
        (elf(62, bits=1), "linux-x86_64", "no 64-bit ELF file"),
        (elf(62, kind=2), "linux-x86_64", "type 2"),
        (mach_o(0x01000007), "linux-x86_64", "no 64-bit ELF file"),
        (b"", "linux-x86_64", "no 64-bit ELF file"),
        (mach_o(0x01000007), "darwin-arm64", "one for machine 0x1000007"),
        (elf(62), "darwin-arm64", "no 64-bit Mach-O file"),
        (b"", "darwin-arm64", "no Mach-O file"),
    ],
)
def test_another_machine_s_library_is_refused(image: bytes, platform: str, found: str) -> None:
    """Another machine's library is refused before it is mapped, with both machines named."""
    with pytest.raises(
        BundleRefusal,
        match=f"it: expected a library for {platform}, found .*{found}.*; compile its model on {platform}",
    ) as refusal:
        check_machine(image, platform, "it")
    assert refusal.value.reason == "architecture"
