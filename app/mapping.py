"""A shared library in this process: mapped from bytes that nobody can change, given back with its last user.

Users count as Python counts: who may be inside the library, or hold a function of it, holds its Mapping.
"""

import _ctypes
import os
import sys
import tempfile
from contextlib import suppress

from contract.refusal import Refusal

RTLD_NOLOAD = getattr(os, "RTLD_NOLOAD", 0)
_dlclose, _close, _is_finalizing = _ctypes.dlclose, os.close, sys.is_finalizing


class Mapping:
    """Exactly these bytes: what was verified is what runs, whatever happens to the file they came from.

    `kept` is whatever the library's own functions point to.
    """

    def __init__(self, image: bytes) -> None:
        """Raises Refusal."""
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
                f"cannot load the model library: {error}; make the bundle on this machine: make compile"
            ) from error

    def address(self, name: str) -> int:
        """Of a function. Raises Refusal where there is none of that name."""
        try:
            return _ctypes.dlsym(self._handle, name)
        except OSError as error:
            raise Refusal(f"not a model library ({error}); make the bundle again: make compile") from error

    def __del__(self) -> None:
        """Unmap it. Its descriptor is given back only then: the loader knows it by that number.

        A process that ends leaves everything to the system.
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
        """Whether the loader keeps it for ever, as some libraries ask it to. The next one must not get its number."""
        with suppress(OSError):
            _dlclose(_ctypes.dlopen(self._path, RTLD_NOLOAD | os.RTLD_NOW))
            return True
        return False


def _sealed_memory(image: bytes) -> int:
    """A file in memory that nobody can write, shrink or grow any more. Returns its descriptor, to be kept open."""
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
