"""The app over marts with known contents, signed in as the role that it has when deployed."""

import asyncio
import importlib
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import boto3
import httpx
import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from moto import mock_aws
from pydantic import SecretStr

from functions.api.app import create_app
from functions.api.settings import ApiSettings
from functions.load.schema.migrate import migrate
from local.postgres import PostgresServer
from tests.support import known_marts as marts
from tests.support import night, night_files
from tests.support.database import fresh_database

PASSWORD = night.ROLE_PASSWORD  # roles belong to the server, not to a database
EVENT = Path(__file__).parents[1] / "support" / "events" / "apigateway_rest.json"

type Invoke = Callable[[str], dict[str, Any]]


def as_role(url: str, role: str, password: str) -> str:
    """The URL with which a role signs in."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port}"))


@pytest.fixture(scope="session")
def admin_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The administrator's URL of a database with filled marts."""
    with fresh_database(postgres_server) as url:
        with psycopg.connect(url) as connection:
            migrate(connection, {"c360_api": PASSWORD})
            marts.fill(connection)
        yield url


@pytest.fixture(scope="session")
def api_url(admin_url: str) -> str:
    """The database's URL as the deployed API signs in."""
    return as_role(admin_url, "c360_api", PASSWORD)


@pytest.fixture(scope="session")
def night_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The administrator's URL of a database into which two nights have loaded the files of `night_files`."""
    with fresh_database(postgres_server) as url:
        # while it loads only: other tests of the session have an S3 of their own
        with pytest.MonkeyPatch.context() as patch, mock_aws():
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            _load_nights(url)
        yield url


def _load_nights(url: str) -> None:
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    s3.create_bucket(Bucket=night.BUCKET)
    s3.put_bucket_versioning(Bucket=night.BUCKET, VersioningConfiguration={"Status": "Enabled"})
    night.prepare(url)
    for files in night_files.nights():
        loading = night.Night(url, s3)
        for key, content in files:
            loading.drop(key, content)
        loading.run()


@pytest.fixture(scope="session")
def night_app(night_url: str) -> FastAPI:
    """The app over the loaded nights."""
    return create_app(settings_for(night.role_url(night_url, "c360_api")))


@pytest.fixture(scope="session")
def night_client(night_app: FastAPI) -> Iterator[httpx.Client]:
    """An HTTP client of the app over the loaded nights."""
    with served(night_app) as client:
        yield client


_RUN = (
    b"insert into metadata.load_run (run_id, execution_arn, status, started_at) values ('r', 'a', 'SUCCEEDED', now())"
)
_PUBLISH = b"""
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


@pytest.fixture(scope="session")
def published_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database with published marts that others are copied from."""
    with fresh_database(postgres_server) as url:
        with psycopg.connect(url) as connection:
            migrate(connection, {"c360_api": PASSWORD})
            marts.fill(connection)
            connection.execute(_RUN)
            connection.execute(_PUBLISH)
            name = connection.info.dbname
        yield name


@pytest.fixture
def changing_url(postgres_server: PostgresServer, published_template: str) -> Iterator[str]:
    """The administrator's URL of a database with published marts, for a test that changes it."""
    with fresh_database(postgres_server, published_template) as url:
        yield url


@pytest.fixture
def changing(changing_url: str) -> Iterator[httpx.Client]:
    """An HTTP client of the app over it."""
    with served(create_app(settings_for(as_role(changing_url, "c360_api", PASSWORD)))) as client:
        yield client


def change(url: str, statement: str) -> None:
    """Change a mart and its watermark in one transaction, as a publication does."""
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
        connection.execute(_PUBLISH)


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
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve the app by uvicorn on a free port and hand over an HTTP client of it."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )
    # named as TCP, else asyncio leaves Nagle's algorithm on, at 40 ms an answer
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()
            asyncio.run(app.state.database.close())


@pytest.fixture(scope="session")
def app(api_url: str) -> FastAPI:
    """The app that `client` talks to."""
    return create_app(settings_for(api_url))


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[httpx.Client]:
    """An HTTP client of the app as uvicorn serves it."""
    with served(app) as client:
        yield client


@pytest.fixture
def handler(api_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The Lambda handler's module, imported anew as a cold start does, behind API Gateway's stage v1."""
    monkeypatch.setenv("DATABASE_URL", api_url)
    monkeypatch.setenv("API_ROOT_PATH", "/v1")
    monkeypatch.delitem(sys.modules, "functions.api.handler", raising=False)
    module = importlib.import_module("functions.api.handler")
    yield module
    module.loop.run_until_complete(module.application.state.database.close())
    module.loop.close()
    sys.modules.pop("functions.api.handler")


@pytest.fixture
def invoke(handler: ModuleType) -> Invoke:
    """Send a request target (`/path?query`, percent-encoded) through the handler as a REST API's event."""

    def send(target: str) -> dict[str, Any]:
        event = json.loads(EVENT.read_text())
        parts = urlsplit(target)
        event["path"] = parts.path
        event["requestContext"]["path"] = f"/v1{parts.path}"
        event["pathParameters"] = {"proxy": parts.path.removeprefix("/")}
        if parts.query:
            query = parse_qs(parts.query, keep_blank_values=True)
            event["multiValueQueryStringParameters"] = query
            event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
        answer: dict[str, Any] = handler.handle(event, None)
        return answer

    return send
