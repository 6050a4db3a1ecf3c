"""The C compiler: finding it, its flags, and running it."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from contract.refusal import Refusal

TIMEOUT_S = 600  # the longest time for one translation unit

COMPILE_FLAGS = (
    "-std=c11",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffp-contract=off",  # a fused multiply-add rounds once where XGBoost rounds twice
    "-fno-math-errno",  # expf need not set errno; its value is the same
    "-fstack-protector-strong",
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=2",
    "-Wall",
    "-Wno-unused",  # tl2cgen declares a variable that it does not use
)
BRANCH_PROTECTION = {"x86_64": ("-fcf-protection=full",), "aarch64": ("-mbranch-protection=standard",)}
LINK_FLAGS_ELF = (
    "-shared",
    "-Wl,-z,relro,-z,now",  # the table of imported functions is read-only once loaded
    "-Wl,-z,noexecstack",
    "-Wl,-z,defs",
    "-Wl,-Bsymbolic",  # two libraries in one process never call each other's functions
    "-Wl,--build-id=none",
)
LINK_FLAGS_MACOS = ("-dynamiclib", "-Wl,-install_name,libmodel")


class Compiler(msgspec.Struct, frozen=True):
    """A C compiler that works. `command` may contain arguments. `machine` is what it compiles for."""

    command: tuple[str, ...]
    version: str
    machine: str

    @property
    def compile_flags(self) -> tuple[str, ...]:
        """Return the flags for each translation unit."""
        if sys.platform == "darwin":
            return COMPILE_FLAGS
        return COMPILE_FLAGS + BRANCH_PROTECTION.get(self.machine, ())

    @property
    def link_flags(self) -> tuple[str, ...]:
        """Return the flags for the library."""
        return LINK_FLAGS_MACOS if sys.platform == "darwin" else LINK_FLAGS_ELF

    @property
    def library_suffix(self) -> str:
        """Return the suffix of library files on this system."""
        return ".dylib" if sys.platform == "darwin" else ".so"


def find_compiler() -> Compiler:
    """Return $CC, or else the first of cc, gcc and clang. Raises Refusal if there is none."""
    wanted = os.environ.get("CC")
    for candidate in [wanted] if wanted else ["cc", "gcc", "clang"]:
        command = tuple(shlex.split(candidate))
        if command and shutil.which(command[0]):
            version = _run((*command, "--version"), Path.cwd()).splitlines()[0]
            machine = _run((*command, "-dumpmachine"), Path.cwd()).strip().partition("-")[0]
            return Compiler(command, version, machine or platform.machine())
    raise Refusal(
        f"no C compiler: {f'CC={wanted} is not on PATH' if wanted else 'none of cc, gcc, clang is on PATH'}; "
        "install one (Debian: apt install gcc libc6-dev; macOS: xcode-select --install) or set CC"
    )


class Unit(msgspec.Struct, frozen=True):
    """One translation unit: a source, its object file, and its own flags."""

    source: str
    object: str
    flags: tuple[str, ...] = ()


def compile_units(compiler: Compiler, units: Sequence[Unit], directory: Path) -> None:
    """Compile units on all cores. Raises Refusal.

    Names are relative to the directory, so the bytes do not depend on the directory.
    """

    def compile_unit(unit: Unit) -> None:
        flags = (*compiler.compile_flags, *unit.flags)
        _run((*compiler.command, *flags, "-c", unit.source, "-o", unit.object), directory)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_unit, units))


def link_library(compiler: Compiler, units: Sequence[Unit], directory: Path) -> bytes:
    """Link compiled units. Return the library's bytes. Raises Refusal."""
    library = f"libmodel{compiler.library_suffix}"
    objects = [unit.object for unit in units]
    _run((*compiler.command, *compiler.link_flags, *objects, "-o", library, "-lm"), directory)
    return (directory / library).read_bytes()


def _run(command: Sequence[str], directory: Path) -> str:
    """Return the standard output of a command. If it fails, raises Refusal with the line that tells why."""
    try:
        result = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except OSError as error:
        raise Refusal(f"cannot run {command[0]}: {error.strerror}; set CC to a C compiler") from error
    except subprocess.TimeoutExpired as error:
        raise Refusal(f"{command[0]} took longer than {TIMEOUT_S} s over {command[-1]}; train fewer trees") from error
    if result.returncode != 0:
        raise Refusal(f"the compiler failed: {shlex.join(command)}: {_telling_line(result)}")
    return result.stdout


def _telling_line(result: subprocess.CompletedProcess[str]) -> str:
    if result.returncode < 0:
        return f"killed by signal {-result.returncode}; is there enough memory?"
    lines = result.stderr.strip().splitlines()
    return next((line for line in lines if "error" in line), lines[0] if lines else f"exit status {result.returncode}")
