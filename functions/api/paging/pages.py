"""A page of a collection: its items, its total, and where it goes on."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

from functions.api.database import Database
from functions.api.errors import BadParameterError
from functions.api.paging import cursor
from functions.api.paging.cache import Cache
from functions.api.paging.collection import Selection, page_statement
from functions.api.paging.sealed import Seal, is_hidden, seal_of
from functions.api.prepared import Row

DEEP_SKIP = 10_000
"""Passing over more items than these is costly."""
WHOLE_AS_OF_LINES = 150_000
"""Order lines up to which a list as of an instant is read as a whole: to sort it otherwise, or to pass over items."""

_LINES = b"select greatest(reltuples, 0)::bigint from pg_class where oid = 'raw_vault.link_order_product'::regclass"


@dataclass(frozen=True)
class Page:
    """`items` holds the `count` items' JSON objects separated by commas, `total` counts the whole list;
    as of an instant it is None unless this page reaches the list's end by itself.

    `after` is the cursor of the next page, None on the last; `watermark` says of which publication of the marts
    this is, None where that is not known; `exists` is false where what the list hangs on does not exist.
    """

    items: str
    count: int
    total: int | None
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
    after: str | None,
    watermark: str | None = None,
) -> Page:
    """The page that is selected, `skip` items or a cursor `after` its list's beginning.

    `watermark` is the marts' where the caller has just asked for it.

    A list as of an instant, and a deep page by `skip`, are costly (functions/api/database.py).

    Raises BadParameterError when `after` is not a cursor of this list, or when a list as of an instant would have to
    be read as a whole and is too long for that.
    """
    parameters = values | ({"skip": skip} if skip else {})
    if selection.as_of and (skip or not selection.in_key_order):
        selection = await _whole(database, selection, skip)
    order = selection.collection.order(selection.sort)
    seal = await seal_of(database) if selection.masked and is_hidden(order) else None
    if after is not None:
        after = after if seal is None else seal.opened(after)
        position = cursor.decode(after, selection.sort, [each.type for each in order])
        parameters |= {f"after_{n}": value for n, value in enumerate(position)}
    page_key = (selection, *map(_hashable, parameters.values()))
    total_key = (selection.collection, selection.conditions, *map(_hashable, values.values()))
    if cache.has(page_key):
        cached: Page | None = cache.get(page_key, watermark or await cache.current_watermark(database))
        if cached is not None:
            return cached
    counted_at = cache.watermark  # by the time that the page is read, the cache may be another publication's
    total: int | None = cache.get(total_key, counted_at)
    costly = selection.as_of or skip > DEEP_SKIP
    statement = page_statement(selection if total is None else selection.uncounted)
    row = await database.read_row(statement, parameters, costly=costly)
    if total is not None and row[0] != counted_at:
        # published since that total was counted
        total = None
        row = await database.read_row(page_statement(selection), parameters, costly=costly)
    if selection.as_of:
        total = _reached(row, skip, after)
    elif total is None:
        total = row[3]
    page = _page(row, total, selection.sort, seal)
    cache.put(total_key, page.total, page.watermark)
    cache.put(page_key, page, page.watermark, size=2 * len(page.items) + 500)
    return page


def _hashable(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list) else value


async def _whole(database: Database, selection: Selection, skip: int) -> Selection:
    """The same, of a list that is read as a whole, if there is such a way to read it. Raises BadParameterError."""
    if selection.collection.whole_as_of is None:
        return selection
    [lines] = await database.read_row(_LINES)
    if lines > WHOLE_AS_OF_LINES:
        raise BadParameterError(
            "skip" if skip else "sort",
            f"among more than {WHOLE_AS_OF_LINES:,} order lines a list as of an instant comes in the order of its ids,"
            " page after page by `next`",
        )
    return replace(selection, whole=True)


def _reached(row: Row, skip: int, after: str | None) -> int | None:
    """The length of a list that ends on this page, as far as that is known without counting."""
    _, _, last, _, _, count = row
    is_end = last is None and after is None and (count or not skip)
    return skip + count if is_end else None


def _page(row: Row, total: int | None, sort: str, seal: Seal | None) -> Page:
    watermark, items, last, _, exists, count = row
    after = None if last is None else cursor.encode(sort, last)
    if after is not None and seal is not None:
        after = seal.closed(after)
    return Page(items or "", count, total, after, watermark, exists)
