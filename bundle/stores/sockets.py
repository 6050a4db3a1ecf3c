"""HTTP connections that another thread can cut off."""

import socket
import threading
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECTIONS = 2  # more would be idle


class CuttableAdapter(HTTPAdapter):
    """Knows its open connections, also those whose answer was not read to the end."""

    def __init__(self) -> None:
        self._open: list[HTTPConnection] = []
        self._lock = threading.Lock()
        self._is_cut = False
        super().__init__(CONNECTIONS, CONNECTIONS)

    def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
        """Make the pools create connections that report their sockets."""
        super().init_poolmanager(*arguments, **keywords)
        self.poolmanager.pool_classes_by_scheme = _pools(self)

    def proxy_manager_for(self, *arguments: Any, **keywords: Any) -> Any:
        """Make the pools of a proxy create connections that report their sockets."""
        manager = super().proxy_manager_for(*arguments, **keywords)
        manager.pool_classes_by_scheme = _pools(self)
        return manager

    def opened(self, connection: HTTPConnection) -> None:
        """Record that a connection has its socket now."""
        with self._lock:
            self._open = [known for known in self._open if known.sock] + [connection]
            if self._is_cut:
                _shut(connection)

    def cut(self) -> None:
        """End both directions of all connections, and of later ones. Safe on any thread."""
        with self._lock:
            self._is_cut = True
            for connection in self._open:
                _shut(connection)

    def release(self) -> None:
        """Close all connections. Nobody uses them any more."""
        with self._lock:
            for connection in self._open:
                _shut(connection)
                connection.close()
            self._open.clear()


def _shut(connection: HTTPConnection) -> None:
    connected: Any = connection.sock  # None once it is closed
    with suppress(OSError, TypeError):
        # On the plain socket, below TLS: a reader sees the end of the stream.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _pools(adapter: CuttableAdapter) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            adapter.opened(self)

    class SecureConnection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            adapter.opened(self)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}
