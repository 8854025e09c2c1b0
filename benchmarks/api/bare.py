"""The least that answers over HTTP: bare ASGI, asyncpg and the same JSON by PostgreSQL, two routes.

No headers, no audit, no problems, no parameters but `cursor`: what the product adds is measured against it.
"""

import asyncio
import os
from typing import Any
from urllib.parse import parse_qs

import asyncpg

from functions.api.paging import cursor
from functions.api.paging.collection import columns
from functions.api.resources.customers import CUSTOMERS, PROFILE

_ONE = columns(PROFILE.model, masked=False).as_string()
_MANY = columns(CUSTOMERS.model, masked=False).as_string()
ONE = f"""
select row_to_json(item)::text
from (select {_ONE} from business_vault.vw_customer_360 where customer_id = $1) as item
"""  # noqa: S608
MANY = f"""
select string_agg(row_to_json(item)::text, ','), max(customer_id),
    (select rows from metadata.mart_publication where mart = 'mart_customer_360')
from (
    select {_MANY} from business_vault.vw_customer_360 where customer_id > $1 order by customer_id limit 100
) as item
"""  # noqa: S608
_START: dict[str, Any] = {"type": "http.response.start", "status": 200}


class Bare:
    """The application."""

    def __init__(self) -> None:
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def __call__(self, scope: dict[str, Any], _receive: Any, send: Any) -> None:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8)
        path: str = scope["path"]
        if path == "/customers":
            query = parse_qs(scope["query_string"].decode())
            after = cursor.decode(query["cursor"][0], "customer_id", ["text"])[0] if query else ""
            items, last, total = await self._pool.fetchrow(MANY, after)
            body = f'{{"items":[{items}],"total":{total},"next":"/customers?cursor={last}"}}'.encode()
        else:
            body = (await self._pool.fetchval(ONE, path.removeprefix("/customers/"))).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send(_START | {"headers": headers})
        await send({"type": "http.response.body", "body": body})


app = Bare()
