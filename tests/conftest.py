"""Fixtures that all rooms share: a real PostgreSQL server, databases on it, and a real LocalStack."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import processes
from local.localstack import LocalStack
from local.postgres import PostgresServer
from tests.database import fresh_database


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder that other accounts may enter (pytest's own is closed, and PostgreSQL never runs as root)."""
    folder = Path(tempfile.mkdtemp(prefix="c360-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(scratch: Path) -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole session, on a port of its own."""
    server = PostgresServer(scratch / "postgres")
    with server.running():
        yield server
    server.remove()


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh, empty database, for one test."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def localstack(scratch: Path) -> Iterator[str]:
    """The endpoint URL of a bare LocalStack that runs Lambda functions; credentials test/test, region us-east-1."""
    with LocalStack(scratch / "localstack", processes.free_port()).running() as running:
        yield running.url
