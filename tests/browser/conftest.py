"""Pages in a real Chromium: each test visits them in a profile of its own, and every request and complaint is kept."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.browser_visit import SECONDS, Visit

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
expect.set_options(timeout=SECONDS * 1000)


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
