"""One load that every tool's figures are compared on."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from dashboards.connection import BiConnection
from functions.api.app import create_app
from local.servers.postgres import PostgresServer
from tests.support import night, night_files
from tests.support.database import fresh_database
from tests.support.metabase_server import FakeMetabase, metabase_server
from tests.support.served_api import served, settings_for


@pytest.fixture(scope="session")
def loaded_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The administrator's URL of a database that has loaded two nights."""
    with fresh_database(postgres_server) as url:
        night.load_nights(url, night_files.nights())
        yield url


@pytest.fixture(scope="session")
def api(loaded_url: str) -> Iterator[httpx.Client]:
    """The API over it."""
    with served(create_app(settings_for(night.role_url(loaded_url, "c360_api")))) as client:
        yield client


@pytest.fixture(scope="session")
def bi(loaded_url: str) -> BiConnection:
    """How BI tools reach it."""
    parts = conninfo_to_dict(loaded_url)
    where = (str(parts["host"]), int(str(parts["port"])), str(parts["dbname"]))
    return BiConnection(*where, user="c360_bi", password=night.ROLE_PASSWORD)


@pytest.fixture(scope="session")
def as_bi(bi: BiConnection) -> Iterator[psycopg.Connection]:
    """Signed in as the role of BI tools."""
    with psycopg.connect(bi.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def metabase() -> Iterator[FakeMetabase]:
    """A Metabase in which nobody has been."""
    with metabase_server() as server:
        yield server
