"""The local API server takes no head of any size, and waits for nobody without end."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local.servers import api_process


async def _echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """An application served as the API is, whose callers have half a second."""
    monkeypatch.setattr(api_process, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(api_process, "IDLE_SECONDS", 1)
    config = api_process.configuration(Starlette(routes=[Route("/", _echo, methods=["GET", "POST"])]), 0)
    config.log_config = None
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def _answer(port: int, *parts: bytes, pause: float = 0) -> bytes:
    """What the server says until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        said = b""
        try:
            for part in parts:
                line.sendall(part)
                time.sleep(pause)
            while part := line.recv(65_536):
                said += part
        except ConnectionError:
            pass
        return said


def test_whole_requests_are_answered_also_in_pieces_and_one_after_another(port: int) -> None:
    get, last = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert _answer(port, get, get, last).count(b"200 OK") == 3
    assert _answer(port, get, get[:10], get[10:], last, pause=0.2).count(b"200 OK") == 3
    post = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc"
    assert _answer(port, post, b"def", pause=0.1).endswith(b"\r\n\r\n6")
    large = b"GET /?" + b"x" * 60_000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert b"200 OK" in _answer(port, large)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
@pytest.mark.parametrize("start", [b"GET /?", b"GET / HTTP/1.1\r\nX-Large: "])
def test_a_head_of_more_than_64_kib_is_refused(port: int, start: bytes, end: bytes) -> None:
    pieces = [start, *[b"x" * 10_000] * 7, end]
    assert b" 200 " not in _answer(port, *pieces)
    many = b"".join(b"X-%d: %b\r\n" % (n, b"x" * 1_000) for n in range(70))
    assert _answer(port, b"GET / HTTP/1.1\r\nHost: a\r\n" + many + b"\r\n").startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"],
)
def test_a_request_that_does_not_end_loses_its_connection(port: int, sent: bytes) -> None:
    began = time.monotonic()
    said = _answer(port, sent)
    assert time.monotonic() - began < 5
    assert b" 200 " not in said


def test_a_caller_who_sends_a_byte_now_and_then_gets_no_longer(port: int) -> None:
    began = time.monotonic()
    whole = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert b" 200 " in _answer(port, whole)
    assert b" 200 " not in _answer(port, *(whole[n : n + 1] for n in range(len(whole))), pause=0.05)
    assert time.monotonic() - began < 5


def test_an_idle_connection_is_closed(port: int) -> None:
    began = time.monotonic()
    assert _answer(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").count(b"200 OK") == 1
    assert time.monotonic() - began < 5
