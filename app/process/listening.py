"""The listening socket: how it is opened, and how it is closed without losing connections that wait for an accept."""

import ctypes
import socket
import struct
import sys
from contextlib import suppress

import msgspec

from app.core.settings import Settings
from contract.refusal import Refusal

BACKLOG = 2048  # connections that the system keeps until they are accepted
DRAIN_SECONDS = 0.1  # to accept waiting connections after new ones are stopped, if their number is unknown
DRAINED_SECONDS = 1.0  # the most time for it, if their number is known
SO_ATTACH_FILTER = 26  # Linux, asm-generic/socket.h
_TCP_INFO = struct.Struct("=24xI")  # linux/tcp.h: tcpi_unacked, which is the backlog's length for a listening socket
_DROP_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0)  # struct sock_filter: BPF_RET with 0, which drops every packet


def listen_for_each(settings: Settings) -> list[socket.socket]:
    """Return a listening socket for each worker, all on one port. Linux distributes connections over the sockets.

    On other systems the workers share one socket, and the first one to accept gets the connection. Raises Refusal if
    the port or the host cannot be used.
    """
    if sys.platform != "linux":
        return [listen(settings)] * settings.workers
    first = listen(settings, reuse_port=True)
    same = msgspec.structs.replace(settings, port=first.getsockname()[1])
    return [first, *(listen(same, reuse_port=True) for _ in range(settings.workers - 1))]


def listen(settings: Settings, reuse_port: bool = False) -> socket.socket:
    """Return a socket that listens on HOST:PORT. Raises Refusal if the port or the host cannot be used."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    place = (settings.host, settings.port)
    try:
        return socket.create_server(place, family=family, backlog=BACKLOG, reuse_port=reuse_port)
    except OSError as error:
        raise Refusal(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; set another PORT or HOST"
        ) from error


def address(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def waiting(listener: socket.socket) -> int:
    """Return the number of connections that wait to be accepted, or 0 if the system does not say."""
    if sys.platform != "linux":
        return 0
    try:
        information = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:
        return 0
    return int(_TCP_INFO.unpack(information)[0]) if len(information) == _TCP_INFO.size else 0


def stop_connecting(listener: socket.socket) -> None:
    """Stop new connections, while those that wait can still be accepted. To close the socket would reset them.

    Linux drops the packets that open a connection. On other systems, and if this is not allowed, nothing changes.
    """
    if sys.platform != "linux":
        return
    code = ctypes.create_string_buffer(_DROP_ALL, len(_DROP_ALL))
    program = struct.pack("@HP", 1, ctypes.addressof(code))  # struct sock_fprog: number of instructions, address
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
