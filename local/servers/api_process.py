"""The process that serves the API: uvicorn with limits for each connection.

`python -m local.servers.api_process APPLICATION PORT`

uvicorn waits for the rest of a request as long as its caller likes, and takes a head of any size. Here a request has
`REQUEST_SECONDS` from its first byte, or from the connection's beginning, to its end, and its head has `LARGEST_HEAD`
bytes. Between requests a connection may be idle for `IDLE_SECONDS`.

A connection on which something costly is asked moves to a process of its own (local/servers/handed_over.py).
"""

import asyncio
import sys
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from functions.api.costly import may_be_costly
from local.servers.handed_over import MOST_BYTES, OtherProcess, TakingServer

LARGEST_HEAD = 64 * 1024
REQUEST_SECONDS = 10.0
IDLE_SECONDS = 5
MOST_CONNECTIONS = 500


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1; 431 for a head that is too long, 408 for a request that does not come to its end."""

    _head_bytes = 0
    _in_head = True
    _deadline: asyncio.TimerHandle | None = None
    costly: OtherProcess | None = None
    """The process that answers costly requests."""

    def __init__(self, *arguments: Any, received: bytes = b"", **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._received = received

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()
        if self._received:
            received, self._received = self._received, b""
            self.data_received(received)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._deadline is None and self._in_head:
            self._expect_request()
        if self.costly is not None and not self._head_bytes and self._is_idle():
            data = self._received = self._received + data
            if b"\n" not in data and len(data) <= LARGEST_HEAD:
                return  # what is asked has not come yet
            self._received = b""
            if self._moves(self.costly, data):
                return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > LARGEST_HEAD:
            self._refuse(431, b"Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > LARGEST_HEAD:
            self._refuse(431, b"Request Header Fields Too Large")
            raise ValueError("the head is too long")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0
        self._forget_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _is_idle(self) -> bool:
        """Whether nothing is asked on this connection, and everything is answered."""
        return (
            self._in_head
            and not self.pipeline
            and (self.cycle is None or self.cycle.response_complete)
            and not self.transport.get_write_buffer_size()
        )

    def _moves(self, costly: OtherProcess, data: bytes) -> bool:
        """Whether the connection is another process's now."""
        if len(data) > MOST_BYTES or not may_be_costly(data):
            return False
        if not costly.hand_over(self.transport.get_extra_info("socket").fileno(), data):
            return False
        self._forget_deadline()
        self.transport.close()
        return True

    def _expect_request(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._refuse, 408, b"Request Timeout")

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, phrase: bytes) -> None:
        self._forget_deadline()
        if self.transport.is_closing():
            return
        if self._in_head or status != 408:  # otherwise the answer may have begun
            self.transport.write(b"HTTP/1.1 %d %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % (status, phrase))
        self.transport.close()


def configuration(application: Any, port: int, protocol: type[BoundedProtocol] = BoundedProtocol) -> uvicorn.Config:
    """How the API is served on 127.0.0.1."""
    return uvicorn.Config(
        application,
        port=port,
        http=protocol,
        ws="none",
        timeout_keep_alive=IDLE_SECONDS,
        limit_concurrency=MOST_CONNECTIONS,
        access_log=False,
        server_header=False,
    )


def serve(application: str, port: str, handed_at: str | None = None) -> None:
    """Serve at a port, and costly requests by another process; or be that, which takes them at a descriptor."""
    if handed_at is not None:
        config = configuration(application, int(port))
        config.lifespan = "off"  # it keeps nothing ready that nobody asks it for
        TakingServer(config, int(handed_at)).run()
        return
    other = OtherProcess([sys.executable, "-m", __spec__.name, application, port])

    class Protocol(BoundedProtocol):
        costly = other

    try:
        uvicorn.Server(configuration(application, int(port), Protocol)).run()
    finally:
        other.close()


if __name__ == "__main__":
    serve(*sys.argv[1:])
