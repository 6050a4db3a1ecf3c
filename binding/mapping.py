"""A shared library in this process. It is mapped from bytes that nobody can change, and unmapped after its last user.

Python's reference counts decide: whoever may run inside the library, or holds one of its functions, holds its Mapping.
"""

import _ctypes
import os
import sys
import tempfile
from contextlib import suppress

from contract.refusal import COMPILE, COMPILE_AGAIN, Refusal

RTLD_NOLOAD = getattr(os, "RTLD_NOLOAD", 0)
_dlclose, _close, _is_finalizing = _ctypes.dlclose, os.close, sys.is_finalizing


class Mapping:
    """A mapped library: exactly the verified bytes run, whatever happens to the file that they came from.

    `kept` are objects that the library's functions point to. They live as long as the mapping.
    """

    def __init__(self, image: bytes) -> None:
        """Map the library. Raises Refusal."""
        self.kept: tuple[object, ...] = ()
        self._handle = 0
        self._descriptor = -1
        try:
            if sys.platform == "linux":
                self._descriptor = _sealed_memory(image)
                self._path = f"/proc/self/fd/{self._descriptor}"
                self._handle = _ctypes.dlopen(self._path, os.RTLD_NOW | os.RTLD_LOCAL)
                return
            with tempfile.TemporaryDirectory(prefix="model-") as directory:
                path = os.path.join(directory, "libmodel.dylib")
                with open(path, "xb") as file:
                    file.write(image)
                self._handle = _ctypes.dlopen(path, os.RTLD_NOW | os.RTLD_LOCAL)
        except OSError as error:
            raise Refusal(
                f"cannot load the model library: {error}; compile its model on this machine: {COMPILE}"
            ) from error

    def address(self, name: str) -> int:
        """Return the address of a function. Raises Refusal if the library has no function of that name."""
        try:
            return _ctypes.dlsym(self._handle, name)
        except OSError as error:
            raise Refusal(f"not a model library ({error}); {COMPILE_AGAIN}") from error

    def __del__(self) -> None:
        """Unmap the library.

        The loader identifies the library by its descriptor's number, so the descriptor is closed after the library is
        unmapped. When the process ends, the system frees everything.
        """
        if _is_finalizing():
            return
        if self._handle:
            _dlclose(self._handle)
            if self._descriptor >= 0 and self._still_loaded():
                return
        if self._descriptor >= 0:
            _close(self._descriptor)

    def _still_loaded(self) -> bool:
        """Return whether the loader keeps the library for ever, as some libraries demand.

        Then the descriptor stays open: no later library may get its number.
        """
        with suppress(OSError):
            _dlclose(_ctypes.dlopen(self._path, RTLD_NOLOAD | os.RTLD_NOW))
            return True
        return False


def _sealed_memory(image: bytes) -> int:
    """Return the descriptor of a file in memory that nobody can write, shrink or grow. Keep it open."""
    import fcntl

    descriptor = os.memfd_create("libmodel", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(image)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
