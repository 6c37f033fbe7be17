"""A TCP proxy before a target that can be told to cut the line around a COMMIT."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import Enum

COMMIT = b"COMMIT"


class Cut(Enum):
    """What to do to the connection over which a COMMIT comes."""

    NEVER = "never"
    # The server never sees the COMMIT, and loses its client.
    BEFORE = "before the commit"
    # The server commits; its answer is thrown away with the connection.
    AFTER = "after the commit"


class Proxy:
    """Forwards to `host:port`. Set `cut` and `deaf` at any time."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.cut = Cut.NEVER
        # Whether every connection is refused once the line was cut: the target cannot be asked.
        self.gone_afterwards = False
        self._gone = False
        threading.Thread(target=self._accept, daemon=True).start()

    def restore(self) -> None:
        """Be an honest proxy again."""
        self.cut, self.gone_afterwards, self._gone = Cut.NEVER, False, False

    def drop_all(self) -> None:
        """Cut every line there is."""
        lines, self._sockets = self._sockets, []
        for line in lines:
            _close(line)

    def close(self) -> None:
        """Stop listening and cut every line."""
        self._gone = True
        _close(self._listener)
        self.drop_all()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._gone:
                    _close(client)
                    continue
                server = socket.create_connection(self._there)
                self._sockets += [client, server]
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if COMMIT in data and self.cut is not Cut.NEVER:
                    self._break(client, server, data)
                    return
                server.sendall(data)
        _close(server)

    def _break(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        self._gone = self.gone_afterwards
        if self.cut is Cut.AFTER:
            # Nobody reads the answer: the way back sees the client gone.
            _close(client)
            server.sendall(data)
            # The server hangs up when it has nothing more to do.
            server.shutdown(socket.SHUT_WR)
            return
        _close(server)
        _close(client)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                with suppress(OSError):
                    client.sendall(data)
        _close(client)


def _close(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
