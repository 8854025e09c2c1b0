"""A migrated database, and the stream's handler signed in to it."""

from collections.abc import Iterator

import pytest

from functions.common import environment
from functions.stream import handler
from functions.stream.partitions import PartitionKeeper
from functions.stream.settings import StreamSettings
from local.servers.postgres import PostgresServer
from tests.support.connection_holder import ClosingHolder
from tests.support.database import fresh_database
from tests.support.night import prepare
from tests.support.stream_consumer import Consumer


@pytest.fixture(scope="session")
def stream_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The administrator's URL of one migrated database that all tests share, each finding it empty."""
    with fresh_database(postgres_server) as url:
        prepare(url)
        yield url


@pytest.fixture
def consumer(stream_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    """The handler in an execution environment that has just started, and an empty vault."""
    consumer = Consumer(stream_database)
    consumer.forget_everything()
    holder = ClosingHolder()
    settings = StreamSettings.model_validate({"database_url": consumer.stream_url})
    monkeypatch.setattr(environment, "connections", holder)
    monkeypatch.setattr(handler, "_partitions", PartitionKeeper())
    monkeypatch.setattr(environment, "settings", lambda _kind: settings)
    yield consumer
    holder.close()
