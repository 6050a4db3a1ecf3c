"""The listening socket: opened before anything else is tried, closed without losing who has connected."""

import ctypes
import socket
import struct
import sys
from contextlib import suppress

import msgspec

from app.settings import Settings
from contract.refusal import Refusal

BACKLOG = 2048  # connections that nobody has accepted yet
DRAIN_SECONDS = 0.1  # to accept those once no more can come
SO_ATTACH_FILTER = 26  # Linux, asm-generic/socket.h
_DROP_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0)  # a packet filter of one instruction: return 0 bytes (BPF_RET)


def listen_for_each(settings: Settings) -> list[socket.socket]:
    """A socket for each worker, all on one port: Linux gives each of them its share of the connections.

    Elsewhere they share one socket, and whoever is first accepts. Raises Refusal.
    """
    if sys.platform != "linux":
        return [listen(settings)] * settings.workers
    first = listen(settings, reuse_port=True)
    same = msgspec.structs.replace(settings, port=first.getsockname()[1])
    return [first, *(listen(same, reuse_port=True) for _ in range(settings.workers - 1))]


def listen(settings: Settings, reuse_port: bool = False) -> socket.socket:
    """Listen on HOST:PORT. Raises Refusal."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    place = (settings.host, settings.port)
    try:
        return socket.create_server(place, family=family, backlog=BACKLOG, reuse_port=reuse_port)
    except OSError as error:
        raise Refusal(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; set another PORT or HOST"
        ) from error


def address(listener: socket.socket) -> str:
    """As a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def stop_connecting(listener: socket.socket) -> None:
    """Let nobody new connect, while those who have can still be accepted: closing at once would reset them.

    Linux drops what would open a connection; elsewhere, and where that is not allowed, nothing changes.
    """
    if sys.platform != "linux":
        return
    code = ctypes.create_string_buffer(_DROP_ALL, len(_DROP_ALL))
    program = struct.pack("@HP", 1, ctypes.addressof(code))  # struct sock_fprog: how many instructions, and where
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
