"""The API served to tests: its settings, a server on a free port, and changes of the marts that it answers from."""

import asyncio
import csv
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from functions.api.settings import ApiSettings
from tests.support import night

PASSWORD = night.ROLE_PASSWORD  # roles belong to the server, not to a database
EVENT = Path(__file__).parent / "events" / "apigateway_rest.json"

type Invoke = Callable[[str], dict[str, Any]]

RUN = b"insert into metadata.load_run (run_id, execution_arn, status, started_at) values ('r', 'a', 'SUCCEEDED', now())"
PUBLISH = b"""
insert into metadata.mart_publication (mart, run_id, published_at, rows)
select mart, 'r', clock_timestamp(), rows
from (
    select 'mart_customer_360', count(*) from business_vault.mart_customer_360
    union all
    select 'mart_order_line', count(*) from business_vault.mart_order_line
    union all
    select 'mart_product_analytics', count(*) from business_vault.mart_product_analytics
) as counted (mart, rows)
on conflict (mart) do update set published_at = excluded.published_at, rows = excluded.rows
"""


def as_role(url: str, role: str, password: str) -> str:
    """The URL with which a role signs in."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port}"))


def change(url: str, statement: str) -> None:
    """Change a mart and its watermark in one transaction, as a publication does."""
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
        connection.execute(PUBLISH)


def add(customer_id: str, value: int = 0) -> str:
    """The statement that adds a customer of this value."""
    return (
        "insert into business_vault.mart_customer_360 (customer_id, total_orders, lifetime_value)"
        f" values ('{customer_id}', 0, {value})"
    )


def settings_for(database_url: str, **fields: Any) -> ApiSettings:
    """Settings of an API over this database."""
    return ApiSettings(database_url=SecretStr(database_url), **fields)


@contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[httpx.Client]:
    """Serve the app by uvicorn on this port, or a free one, and hand over an HTTP client of it."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )
    # named as TCP, else asyncio leaves Nagle's algorithm on, at 40 ms an answer
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port may be served again at once
        listening.bind(("127.0.0.1", port))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()
            # in a thread of its own: a browser of the tests has a loop in this one
            closing = threading.Thread(target=lambda: asyncio.run(app.state.database.close()))
            closing.start()
            closing.join()


@dataclass(frozen=True)
class Answered:
    """What a route answers; of a stream, its first message."""

    status_code: int
    headers: httpx.Headers
    content: Any


def answered(client: httpx.Client, path: str, headers: dict[str, str] | None = None) -> Answered:
    """GET the path, without waiting for the end of what never ends."""
    with client.stream("GET", path, headers=headers) as answer:
        if answer.headers["content-type"].startswith("text/event-stream"):
            message = next(line for line in answer.iter_lines() if line.startswith("data: "))
            return Answered(answer.status_code, answer.headers, json.loads(message.removeprefix("data: ")))
        if answer.headers["content-type"].startswith("text/csv"):
            return Answered(answer.status_code, answer.headers, list(csv.reader(answer.iter_lines())))
        return Answered(answer.status_code, answer.headers, json.loads(answer.read()))
