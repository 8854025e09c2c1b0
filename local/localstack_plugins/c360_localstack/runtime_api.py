"""Lambda's public Runtime API for one execution environment, on a loopback port.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from c360_localstack.peer import is_of_our_user

# The most that Lambda passes on; the documented 6 MB are 6,291,556 bytes.
MAX_RESPONSE_BYTES = 6_291_556


@dataclass
class Invocation:
    request_id: str
    function_arn: str
    trace_id: str
    payload: bytes
    deadline_ms: int
    result: bytes = b""
    is_error: bool = False
    was_refused: bool = False  # the runtime's answer was too large; it ends itself over that
    done: threading.Event = field(default_factory=threading.Event)
    _finishing: threading.Lock = field(default_factory=threading.Lock)

    def finish(self, result: bytes, *, is_error: bool) -> bool:
        """Set the result; the first one stays. Whether this was it."""
        with self._finishing:
            if self.done.is_set():
                return False
            self.result, self.is_error = result, is_error
            self.done.set()
            return True

    def fail(self, error_type: str, message: str) -> bool:
        """End with an error that the runtime did not report itself. Whether it had not ended before."""
        text = f"RequestId: {self.request_id} Error: {message}"
        return self.finish(json.dumps({"errorType": error_type, "errorMessage": text}).encode(), is_error=True)


class RuntimeApi:
    """Hands invocations to one runtime process and takes its answers: one at a time, as Lambda does.

    A fresh process gets a fresh RuntimeApi, so that nothing a dead one had asked for can take an invocation away.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Invocation | None = None
        self._running: Invocation | None = None
        self._closed = False
        self.initialised = threading.Event()  # the first `next`, an init error, or the end of the process
        self.init_error: bytes | None = None
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def submit(self, invocation: Invocation) -> None:
        """Offer an invocation to the process; it replaces the one before, answered or not."""
        with self._changed:
            self._waiting = self._running = invocation
            self._changed.notify_all()

    def process_ended(self, how: str) -> None:
        """Answer for a runtime that ended before it did."""
        self.initialised.set()
        with self._changed:
            if self._running is not None:
                self._running.fail("Runtime.ExitError", f"Runtime exited with error: {how}")

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.initialised.set()
        threading.Thread(target=self._shut_down, daemon=True).start()

    def _shut_down(self) -> None:
        self._server.shutdown()  # takes up to half a second
        self._server.server_close()

    def next(self) -> Invocation | None:
        self.initialised.set()
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._closed)
            invocation, self._waiting = self._waiting, None
            return None if self._closed else invocation

    def answer(self, request_id: str, body: bytes, *, is_error: bool) -> int:
        invocation = self._running
        if invocation is None or invocation.request_id != request_id:
            return 400
        if len(body) > MAX_RESPONSE_BYTES:
            invocation.was_refused = True
            invocation.fail(
                "Function.ResponseSizeTooLarge",
                f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).",
            )
            return 413
        invocation.finish(body, is_error=is_error)
        return 202


class _Server(ThreadingHTTPServer):
    """For processes of our own user: what they ask for are invocations, and what they say are results."""

    daemon_threads = True

    def verify_request(self, _request, client_address):
        return is_of_our_user(client_address, self.server_address)


class _Handler(BaseHTTPRequestHandler):
    api: RuntimeApi
    protocol_version = "HTTP/1.1"
    # One packet per answer, sent at once: without these two a warm invocation takes 90 ms instead of 20.
    wbufsize = -1
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.headers.get("Host") != self.api.address:  # a page of the internet, by a name that leads here
            self._reply(421)
            return False
        return True

    def do_GET(self) -> None:
        if not self.path.endswith("/runtime/invocation/next"):
            return self._reply(404)
        invocation = self.api.next()
        if invocation is None:
            return self._reply(410)
        return self._reply(
            200,
            invocation.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": invocation.trace_id,
            },
        )

    def do_POST(self) -> None:
        body = self._body()
        parts = self.path.strip("/").split("/")  # 2018-06-01/runtime/…
        match parts[2:]:
            case ["init", "error"]:
                self.api.init_error = body
                self.api.initialised.set()
                return self._reply(202)
            case ["invocation", request_id, "response" | "error" as kind]:
                return self._reply(self.api.answer(request_id, body, is_error=kind == "error"))
        return self._reply(404)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ValueError):
            self.close_connection = True  # the process died in the middle of a request

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: LocalStack's log is for LocalStack."""


def deadline_ms(timeout_seconds: float) -> int:
    return int((time.time() + timeout_seconds) * 1000)
