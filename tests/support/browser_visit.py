"""A visit of a page in a browser: its requests, and what the browser complained about."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request

INSIDE = {"127.0.0.1", None}
"""Hosts that a page may ask: this machine, and none, as in data: and blob:."""
SECONDS = 15


@dataclass
class Visit:
    """One page, and what happened on it. Whatever is not `allowed` fails the test at its end.

    `complaints` are console errors (the browser's words on a broken Content-Security-Policy too) and uncaught
    exceptions.
    """

    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(SECONDS * 1000)
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def allow(self, pattern: str) -> None:
        """Expect complaints that match this regular expression."""
        self.allowed.append(pattern)

    def sent(self, path: str) -> list[Request]:
        """The requests for this path so far, whatever their query."""
        return [request for request in self.requests if urlsplit(request.url).path == path]

    def outside(self) -> list[str]:
        """The requests that left the machine, or tried to."""
        return [request.url for request in self.requests if urlsplit(request.url).hostname not in INSIDE]

    def unexpected(self) -> list[str]:
        """The complaints that are not allowed."""
        return [each for each in self.complaints if not any(re.search(pattern, each) for pattern in self.allowed)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")
