"""Connections that one process of the API hands over to another, which answers costly requests.

A costly request's PostgreSQL process computes for tens of milliseconds. Linux wakes it on the processor of whoever
asked, and lets whoever is woken there meanwhile wait for up to 4 ms. Asked by the process that answers everybody, it is
that which waits, once for nearly every costly request; so another one asks, which talks to nobody else's callers.
"""

import asyncio
import contextlib
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import uvicorn

MOST_BYTES = 64 * 1024
"""Of a request, that go with its connection."""
_AT_ONCE = 64
_NOT_NOW = (errno.EAGAIN, errno.ENOBUFS, errno.EMSGSIZE)  # many wait for it, or a request is too long


class OtherProcess:
    """The process to which connections are handed; started when this is made, and again when it has ended.

    `command` runs it; a further argument is the descriptor of the socket at which it takes connections. It ends with
    the process that started it.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._start()

    def hand_over(self, line: int, received: bytes) -> bool:
        """Give it the connection of this descriptor, and what came on it; whether it has them.

        The caller then closes its own descriptor. Otherwise nothing has happened.
        """
        try:
            socket.send_fds(self._socket, [received], [line])
        except OSError as error:
            if error.errno in _NOT_NOW:
                return False
            self.close()
            self._start()
            return False
        return True

    def close(self) -> None:
        """Let it end."""
        self._socket.close()
        assert self._process.stdin is not None  # noqa: S101 - it has a pipe
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0)

    def _start(self) -> None:
        self._socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with its:
            self._process = subprocess.Popen(
                [*self._command, str(its.fileno())], stdin=subprocess.PIPE, pass_fds=[its.fileno()]
            )
        self._socket.setblocking(False)


class TakingServer(uvicorn.Server):
    """uvicorn that listens nowhere, and answers on the connections that it is handed at a socket.

    It ends with its standard input.
    """

    def __init__(self, config: uvicorn.Config, descriptor: int) -> None:
        super().__init__(config)
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._taking: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - it listens nowhere
        """Begin to take connections."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, self._take)
        loop.add_reader(sys.stdin, self._end)
        self.servers = []
        self.started = True

    def _end(self) -> None:
        if not os.read(sys.stdin.fileno(), 1):
            asyncio.get_running_loop().remove_reader(sys.stdin)
            self.should_exit = True

    def _take(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                received, lines, _flags, _address = socket.recv_fds(self._socket, MOST_BYTES, 1)
            except BlockingIOError:
                return
            for line in lines:
                task = asyncio.get_running_loop().create_task(self._serve_on(line, received))
                self._taking.add(task)
                task.add_done_callback(self._taking.discard)

    async def _serve_on(self, line: int, received: bytes) -> None:
        def protocol() -> asyncio.Protocol:
            made: Any = self.config.http_protocol_class
            return made(  # type: ignore[no-any-return]
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                received=received,
            )

        connection = socket.socket(fileno=line)
        connection.setblocking(False)
        with contextlib.suppress(OSError):  # its caller has gone
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
