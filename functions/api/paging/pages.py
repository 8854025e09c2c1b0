"""A page of a collection: its items, its total, and where it goes on."""

from dataclasses import dataclass, replace
from typing import Any

from functions.api.database import Database, Row
from functions.api.paging import cursor
from functions.api.paging.cache import Cache
from functions.api.paging.collection import Selection, page_statement


@dataclass(frozen=True)
class Page:
    """`items` holds the `count` items' JSON objects separated by commas, `total` counts the whole list.

    `after` is the cursor of the next page, None on the last; `watermark` says of which publication of the marts
    this is, None where that is not known; `exists` is false where what the list hangs on does not exist.
    """

    items: str
    count: int
    total: int
    after: str | None
    watermark: str | None
    exists: bool


async def read_page(
    database: Database,
    cache: Cache,
    selection: Selection,
    values: dict[str, Any],
    *,
    skip: int,
    limit: int,
    after: str | None,
    watermark: str | None = None,
) -> Page:
    """A page of a list. `watermark` is the marts' where the caller has just asked for it.

    Raises BadParameterError when `after` is not a cursor of this list.
    """
    parameters = values | {"skip": skip, "limit": limit}
    if after is not None:
        selection = replace(selection, after_cursor=True)
        order = selection.collection.order(selection.sort)
        position = cursor.decode(after, selection.sort, [each.type for each in order])
        parameters |= {f"after_{n}": value for n, value in enumerate(position)}
    page_key = (selection, *parameters.values())
    total_key = (selection.collection, selection.conditions, *values.values())
    if cache.has(page_key):
        cached: Page | None = cache.get(page_key, watermark or await cache.current_watermark(database))
        if cached is not None:
            return cached
    counted_at = cache.watermark  # by the time that the page is read, the cache may be another publication's
    total: int | None = cache.get(total_key, counted_at)
    row = await database.read_row(page_statement(replace(selection, counted=total is None)), parameters)
    if total is not None and row[0] != counted_at:
        # published since that total was counted
        total = None
        row = await database.read_row(page_statement(selection), parameters)
    page = _page(row, row[3] if total is None else total, selection.sort)
    cache.put(total_key, page.total, page.watermark)
    cache.put(page_key, page, page.watermark, size=2 * len(page.items) + 500)
    return page


def _page(row: Row, total: int, sort: str) -> Page:
    watermark, items, last, _, exists, count = row
    after = None if last is None else cursor.encode(sort, last)
    return Page(items or "", count, total, after, watermark, exists)
