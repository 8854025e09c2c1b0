"""`make pictures`: photographs the dashboard of the running demo for the README, into docs/pictures."""

import json
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, expect

from local.paths import REPOSITORY
from tests.support.chromium import MISSING, find_chromium, running_chromium

FOLDER = REPOSITORY / "docs" / "pictures"
LARGEST_BYTES = 300_000
"""Of all pictures together: they are in every clone."""
PICTURES = {
    "overview": ("light", ""),
    "explain": ("light", "?explain=revenue-by-category%2Frevenue&at=category%3DElectronics"),
    "loyalty": ("dark", "?page=loyalty"),
}


def take(browser: Browser, dashboard: str) -> list[Path]:
    """Photograph each page of PICTURES."""
    FOLDER.mkdir(exist_ok=True)
    paths = []
    for name, (theme, query) in PICTURES.items():
        dark: bool = theme == "dark"
        with browser.new_context(
            viewport={"width": 1120, "height": 560}, color_scheme="dark" if dark else "light", locale="en-US"
        ) as context:
            page = context.new_page()
            page.goto(dashboard + query)
            expect(page.locator(".skeleton")).to_have_count(0)
            paths.append(FOLDER / f"{name}.png")
            shown = page.get_by_role("dialog") if "explain=" in query else page
            shown.screenshot(path=paths[-1], animations="disabled")
    return paths


def main() -> None:
    """Needs `make demo` before it."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit(f"pictures: {MISSING}")
    outputs = subprocess.run(
        [REPOSITORY / ".venv" / "bin" / "c360", "outputs", "--json"], capture_output=True, text=True, check=False
    )
    if outputs.returncode:
        sys.exit("pictures: nothing runs whose pages could be shown; `make demo` first")
    with running_chromium(chromium) as browser:
        paths = take(browser, json.loads(outputs.stdout)["dashboard_url"])
    size = sum(path.stat().st_size for path in paths)
    sys.stdout.write(f"{len(paths)} pictures, {size / 1000:.0f} kB, in {FOLDER.relative_to(REPOSITORY)}\n")
    if size > LARGEST_BYTES:
        sys.exit(f"pictures: more than {LARGEST_BYTES / 1000:.0f} kB; make them smaller before you commit them")


if __name__ == "__main__":
    main()
