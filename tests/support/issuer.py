"""An issuer of tokens that publishes its keys on loopback."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.support.tokens import KEY, jwks


class Issuer(BaseHTTPRequestHandler):
    """Answers `keys` after `seconds`, or sends everybody on to `moved_to`, and counts how often it was asked."""

    keys: Any
    asked: int
    seconds: float = 0
    moved_to: str | None

    def do_GET(self) -> None:
        type(self).asked += 1
        time.sleep(self.seconds)
        content = json.dumps(self.keys).encode()
        self.send_response(200 if self.moved_to is None else 302)
        if self.moved_to is not None:
            self.send_header("Location", self.moved_to)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def issuer() -> Iterator[tuple[type[Issuer], str]]:
    """An issuer, and the URL of its keys."""
    handler = type("AnIssuer", (Issuer,), {"keys": jwks(("one", KEY)), "asked": 0, "moved_to": None})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield handler, f"http://127.0.0.1:{server.server_port}/keys"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
