"""Which machine a library is for, read from the header of the file before it is mapped."""

import struct

from bundle.refusal import BundleRefusal
from contract.refusal import COMPILE

HEADER_BYTES = 20
SHARED_OBJECT = 3  # e_type of ELF

# The value of platform.machine(): the ELF field e_machine and the byte order.
ELF_MACHINES = {
    "x86_64": (62, "<"),
    "aarch64": (183, "<"),
    "riscv64": (243, "<"),
    "ppc64le": (21, "<"),
    "s390x": (22, ">"),
}
MACH_O_MAGIC = 0xFEEDFACF
MACH_O_MACHINES = {"x86_64": 0x01000007, "arm64": 0x0100000C}  # cputype


def check_machine(image: bytes, platform: str, what: str) -> None:
    """Raise BundleRefusal if the header is not that of a library for `platform`, such as linux-x86_64."""
    system, _, machine = platform.partition("-")
    found = _mach_o(image, machine) if system == "darwin" else _elf(image, machine)
    if found:
        raise BundleRefusal(
            "architecture",
            f"{what}: expected a library for {platform}, found {found}; compile its model on {platform}: {COMPILE}",
        )


def _elf(image: bytes, machine: str) -> str | None:
    if len(image) < HEADER_BYTES or image[:4] != b"\x7fELF" or image[4] != 2:
        return "no 64-bit ELF file"
    order = "<" if image[5] == 1 else ">"
    kind, number = struct.unpack_from(f"{order}HH", image, 16)
    if kind != SHARED_OBJECT:
        return f"an ELF file of type {kind}, which is no shared object"
    expected = ELF_MACHINES.get(machine)
    if expected and (number, order) != expected:
        names = {value: name for name, value in ELF_MACHINES.items()}
        return f"one for {names.get((number, order), f'machine {number}')}"
    return None


def _mach_o(image: bytes, machine: str) -> str | None:
    if len(image) < HEADER_BYTES:
        return "no Mach-O file"
    magic, number = struct.unpack_from("<II", image)
    if magic != MACH_O_MAGIC:
        return "no 64-bit Mach-O file"
    if number != MACH_O_MACHINES.get(machine, number):
        return f"one for machine {number:#x}"
    return None
