"""The dashboard's figures are ready before anybody opens it, after a start and after a publication."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from functions.api import readiness
from functions.api.app import create_app
from functions.api.database import Database
from functions.api.resources import metrics
from tests.support.served_api import PASSWORD, add, as_role, change, settings_for

STILL = [panel for panel in metrics.PANELS.values() if not panel.live]


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


def test_figures_are_read_before_anybody_asks_and_again_after_a_publication(
    changing_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "EVERY_SECONDS", 0.05)
    app = create_app(settings_for(as_role(changing_url, "c360_api", PASSWORD)))
    cache, database = app.state.cache, app.state.database

    def is_ready() -> bool:
        return all(cache.get((panel.name, *map(str, metrics.UNFILTERED.values())), cache.watermark) for panel in STILL)

    async def customers() -> str:
        reads: list[bytes] = []
        read_row = Database.read_row

        async def counted(self: Database, query: bytes, *arguments: Any, **named: Any) -> Any:
            reads.append(query)
            return await read_row(self, query, *arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(Database, "read_row", counted)
            _, bodies = await metrics.read_panels(database, cache, STILL, metrics.UNFILTERED)
        assert reads == [], "nobody waits for a query"
        return bodies["overview"]

    async def visit() -> tuple[str, str]:
        async with app.router.lifespan_context(app):
            await _until(is_ready)
            first, before = await customers(), cache.watermark
            await asyncio.to_thread(change, changing_url, add("C9999999"))
            await _until(lambda: cache.watermark != before and is_ready())
            return first, await customers()

    first, second = asyncio.run(visit())
    assert first != second


def test_a_server_starts_while_its_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "EVERY_SECONDS", 0.05)
    app = create_app(settings_for("postgresql://nobody@127.0.0.1:1/nowhere"))

    async def wait() -> None:
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0.5)
            assert len(asyncio.all_tasks()) > 1, "it goes on trying"

    asyncio.run(wait())
