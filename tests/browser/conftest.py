"""Pages in a real Chromium: each test visits them in a profile of its own, and every request and complaint is kept."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

CHROMIUMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MISSING = (
    "there is no Chromium for the tests of the pages: install it (Debian, Ubuntu: `apt-get install chromium`; macOS: "
    "`brew install --cask chromium`), or name a Chromium or Chrome in C360_CHROMIUM"
)
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # as on a machine without internet
)
INSIDE = {"127.0.0.1", None}
"""Hosts that a page may ask: this machine, and none, as in data: and blob:."""
SECONDS = 15

expect.set_options(timeout=SECONDS * 1000)


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
        """Expect complaints in which this regular expression is found."""
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


@pytest.fixture(scope="session", autouse=True)
def chromium() -> Path:
    """The browser of this machine. Without one the tests are skipped, and in CI they fail."""
    given = os.environ.get("C360_CHROMIUM")
    for candidate in (given,) if given else CHROMIUMS:
        if found := shutil.which(candidate):
            return Path(found)
    if os.environ.get("CI"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@pytest.fixture(scope="package")
def browser(chromium: Path) -> Iterator[Browser]:
    """The browser, running. It ends before other folders' tests begin: asyncio.run cannot be used beside it."""
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, *sandbox])
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """A page in a fresh profile; at the end it must neither have complained nor asked anybody outside."""
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        visit = Visit(context.new_page())
        yield visit
        assert visit.outside() == []
        assert visit.unexpected() == []
