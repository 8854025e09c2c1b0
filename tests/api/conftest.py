"""The app over marts with known contents, signed in as the role that it has when deployed."""

import importlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from functions.api.app import create_app
from functions.load.schema.migrate import migrate
from local.servers.postgres import PostgresServer
from tests.support import known_marts as marts
from tests.support import night, night_files
from tests.support.database import fresh_database
from tests.support.served_api import EVENT, PASSWORD, PUBLISH, RUN, Invoke, as_role, served, settings_for


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
        night.load_nights(url, night_files.nights())
        yield url


@pytest.fixture(scope="session")
def night_app(night_url: str) -> FastAPI:
    """The app over the loaded nights."""
    return create_app(settings_for(night.role_url(night_url, "c360_api")))


@pytest.fixture(scope="session")
def night_client(night_app: FastAPI) -> Iterator[httpx.Client]:
    """An HTTP client of the app over the loaded nights."""
    with served(night_app) as client:
        yield client


@pytest.fixture(scope="session")
def published_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database with published marts that others are copied from."""
    with fresh_database(postgres_server) as url:
        with psycopg.connect(url) as connection:
            migrate(connection, {"c360_api": PASSWORD})
            marts.fill(connection)
            connection.execute(RUN)
            connection.execute(PUBLISH)
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
    """The Lambda handler's module, imported again as a cold start does, behind API Gateway's stage v1."""
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
