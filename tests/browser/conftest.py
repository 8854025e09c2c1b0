"""Pages in a real Chromium: each test visits them in a profile of its own, and every request and complaint is kept."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from functions.api.app import create_app
from local.servers.postgres import PostgresServer
from tests.support import dashboard_shop
from tests.support.browser_visit import SECONDS, Visit
from tests.support.chromium import MISSING, find_chromium, running_chromium
from tests.support.dashboard_page import Dashboard
from tests.support.database import fresh_database
from tests.support.night import role_url
from tests.support.served_api import served, settings_for

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session", autouse=True)
def chromium() -> Path:
    """The browser of this machine. Without one the tests are skipped, and in CI they fail."""
    if found := find_chromium():
        return found
    if os.environ.get("CI"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@pytest.fixture(scope="package")
def browser(chromium: Path) -> Iterator[Browser]:
    """The browser, running. It ends before other folders' tests begin: asyncio.run cannot be used beside it."""
    with running_chromium(chromium) as running:
        yield running


@pytest.fixture(scope="package")
def dashboard(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """The page over two nights of CSVs, served by uvicorn."""
    folder = tmp_path_factory.mktemp("shop")
    with fresh_database(postgres_server) as url, dashboard_shop.loaded(url, folder) as shop:
        app = create_app(settings_for(role_url(url, "c360_api")))
        with served(app) as client:
            yield Dashboard(shop, client, url)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """A page in a fresh profile; at the end it must neither have complained nor asked anybody outside."""
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        visit = Visit(context.new_page())
        yield visit
        assert visit.outside() == []
        assert visit.unexpected() == []
