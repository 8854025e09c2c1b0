"""The Chromium of this machine, as tests and pictures run it: headless, and cut off from the internet."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MISSING = (
    "there is no Chromium to show the pages: install it (Debian, Ubuntu: `apt-get install chromium`; macOS: "
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


def find_chromium() -> Path | None:
    """The one that C360_CHROMIUM names, else the first that is installed."""
    given = os.environ.get("C360_CHROMIUM")
    for candidate in (given,) if given else CHROMIUMS:
        if path := shutil.which(candidate):
            return Path(path)
    return None


@contextmanager
def running_chromium(program: Path) -> Iterator[Browser]:
    """Run it."""
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *sandbox])
        yield running
        running.close()
