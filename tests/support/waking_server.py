"""A server that is paused when it is first asked, as Aurora at rest: it takes connections after a while only."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator


@contextlib.contextmanager
def waking(port: int, seconds: float, *, silent: bool) -> Iterator[int]:
    """In front of the server on `port` of 127.0.0.1, a port that comes to life after so many seconds.

    Until then it refuses connections; with `silent` it takes them, and answers nothing before it is awake.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if silent:
            listener.listen()
        thread = threading.Thread(target=_wake, args=(listener, port, time.monotonic() + seconds), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def _wake(listener: socket.socket, port: int, awake_at: float) -> None:
    time.sleep(max(0.0, awake_at - time.monotonic()))
    with contextlib.suppress(OSError):
        listener.listen()
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, port), daemon=True).start()


def _serve(client: socket.socket, port: int) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        answers = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
        answers.start()
        _pass_on(client, server)
        answers.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
