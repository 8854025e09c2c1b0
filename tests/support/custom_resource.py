"""CloudFormation's end of a custom resource: what listens behind ResponseURL."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CREATE = json.loads((Path(__file__).parent / "events" / "cloudformation_create.json").read_text(encoding="utf-8"))


class Answers:
    """Keeps the answers that were put there."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/answer?signature=x"
        self.got: list[dict[str, Any]] = []


@contextmanager
def listening() -> Iterator[Answers]:
    """Listen while the body works."""

    class Keeping(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            # a presigned URL takes no content type: its signature does not cover one
            assert self.headers["Content-Type"] == ""
            kept.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keeping) as server:
        kept = Answers(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()
