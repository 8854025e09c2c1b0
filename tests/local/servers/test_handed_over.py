"""Costly requests are answered by a process of their own, in the way of nobody who is answered by the other."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import psutil
import pytest

from local import processes
from local.paths import REPOSITORY

CHEAP = ("/customers/C1", "/customers?limit=5", "/orders?skip=9999", "/customers?fields=as_of_nothing")
COSTLY = (
    "/customers?as_of=2026-03-01",
    "/orders?limit=5&known_at=2026-03-01",
    "/orders?skip=10001",
    "/orders?skip=0000123456",
    "/metrics/overview/explain?column=revenue",
    "/customers?%61s_of=2026-03-01",
)


@pytest.fixture
def server() -> Iterator[psutil.Process]:
    """A server as the platform starts it; its port is its last argument."""
    port = str(processes.free_port())
    command = [sys.executable, "-m", "local.servers.api_process", "tests.support.telling_app:app", port]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                _connected(port).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _connected(port: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(port)), timeout=20)


def _received(line: socket.socket) -> bytes:
    received = line.recv(65_536)
    assert received, "the connection was closed"
    return received


def _ask(line: socket.socket, target: str, pieces: int = 1) -> tuple[int, str]:
    """Which process answers, and for what."""
    request = f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    size = len(request) // pieces + 1
    for start in range(0, len(request), size):
        line.sendall(request[start : start + size])
        time.sleep(0.05 if pieces > 1 else 0)
    said = b""
    while (head := re.search(rb"content-length: (\d+)\r\n(?:.*?\r\n)?\r\n", said, re.DOTALL)) is None:
        said += _received(line)
    while len(said) < head.end() + int(head[1]):
        said += _received(line)
    process, _, asked = said[head.end() :].decode().partition(" ")
    return int(process), asked


def _port(server: psutil.Process) -> str:
    return server.cmdline()[-1]


def _other(server: psutil.Process) -> int:
    [other] = server.children()
    return other.pid


@pytest.mark.parametrize("pieces", [1, 7])
def test_costly_requests_are_answered_by_another_process(server: psutil.Process, pieces: int) -> None:
    for target in CHEAP:
        with closing(_connected(_port(server))) as line:
            assert _ask(line, target, pieces)[0] == server.pid, target
    for target in COSTLY:
        with closing(_connected(_port(server))) as line:
            assert _ask(line, target, pieces) == (_other(server), target), target


def test_a_connection_moves_once_and_loses_no_request(server: psutil.Process) -> None:
    with closing(_connected(_port(server))) as line:
        assert _ask(line, CHEAP[0]) == (server.pid, f"{CHEAP[0]}?")
        for target in (COSTLY[0], CHEAP[1], COSTLY[1]):
            assert _ask(line, target) == (_other(server), target)
    with closing(_connected(_port(server))) as line:
        line.sendall(f"GET {CHEAP[0]} HTTP/1.1\r\nHost: a\r\n\r\nGET {COSTLY[0]} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        said = b""
        while said.count(b"HTTP/1.1 200") < 2 or not said.endswith(COSTLY[0].encode()):
            said += _received(line)
        assert said.count(str(_other(server)).encode()) == 2


def test_many_at_once_are_all_answered(server: psutil.Process) -> None:
    lines = [_connected(_port(server)) for _ in range(60)]
    for line in lines:
        line.sendall(f"GET {COSTLY[0]} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    for line in lines:
        with closing(line):
            assert b"HTTP/1.1 200" in _received(line)


def test_who_asks_when_the_other_process_has_ended_is_answered_and_there_is_a_new_one(server: psutil.Process) -> None:
    with closing(_connected(_port(server))) as line:
        ended = _ask(line, COSTLY[0])[0]
    killed = psutil.Process(ended)
    killed.kill()
    deadline = time.monotonic() + 20
    while killed.is_running() and killed.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
    answered = server.pid
    while answered in (server.pid, ended):
        assert time.monotonic() < deadline
        with closing(_connected(_port(server))) as line:
            answered = _ask(line, COSTLY[0])[0]
    assert answered == _other(server)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_server(server: psutil.Process, end: signal.Signals) -> None:
    with closing(_connected(_port(server))) as line:
        other = psutil.Process(_ask(line, COSTLY[0])[0])
    os.kill(server.pid, end)
    other.wait(20)
