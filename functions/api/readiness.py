"""What people open first is ready before they do, in a server that lives long.

Who opens the dashboard first, after a start or after a publication, would otherwise wait for connections, for the
plans of PostgreSQL's new processes, and for every figure to be computed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
from fastapi import FastAPI

from functions.api.database import Database
from functions.api.paging.cache import Cache
from functions.api.resources import dashboard, metrics
from functions.common.errors import TransientError
from functions.common.logging import logger

EVERY_SECONDS = 5.0


@contextlib.asynccontextmanager
async def kept_ready(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan of a server that keeps the dashboard's files and its figures without filters at hand."""
    keeping = asyncio.create_task(keep_ready(app.state.database, app.state.cache))
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        await app.state.database.close()


async def keep_ready(database: Database, cache: Cache) -> None:
    """Read all panels without filters into the cache now and after each publication, for ever."""
    dashboard.files(dashboard.BUILT)
    ready: str | None = None
    while True:
        try:
            watermark = await cache.current_watermark(database)
            if watermark != ready:
                # all connections, by what is quickly read
                await _read(database, cache, [panel for panel in metrics.PANELS.values() if panel.live])
                for panel in (metrics.REPORTING, *metrics.PANELS.values()):
                    await _read(database, cache, [panel])  # one by one: others need connections too
                ready = watermark
        except (TransientError, psycopg.Error, LookupError) as error:  # nothing to be seen yet, or nobody to tell it
            logger.debug("the dashboard is not ready", error=str(error))
        await asyncio.sleep(EVERY_SECONDS)


async def _read(database: Database, cache: Cache, panels: list[metrics.Panel]) -> None:
    await metrics.read_panels(database, cache, panels, metrics.UNFILTERED)
