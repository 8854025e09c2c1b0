"""A Spark for the tests of the engine, and nights that load into its tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.servers.postgres import PostgresServer
from tests.support.database import fresh_database
from tests.support.database_state import empty
from tests.support.lakehouse import ServedNight, SparkNight, Worker, running_worker, why_spark_cannot_run
from tests.support.night import Night
from tests.support.night_fixtures import migrated_database, migrated_template, night, s3_client
from tests.support.warm_night import WarmNight

__all__ = ["migrated_database", "migrated_template", "night", "s3_client"]


@pytest.fixture(scope="session")
def spark(scratch: Path) -> Iterator[Worker]:
    """A Spark whose tables are below `scratch`."""
    why = why_spark_cannot_run()
    if why is not None:
        pytest.skip(why)
    with running_worker(scratch / "spark") as worker:
        yield worker


@pytest.fixture(scope="session")
def other_database(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """The administrator's URL of the database that holds the ledger of Spark's nights."""
    with fresh_database(postgres_server, migrated_template) as url:
        yield url


@pytest.fixture
def warm(night: Night) -> Iterator[WarmNight]:
    """A night that loads into PostgreSQL."""
    warm = WarmNight(night.admin_url, night.s3)
    yield warm
    warm.connect().close()


@pytest.fixture
def spark_night(night: Night, other_database: str, spark: Worker, scratch: Path) -> Iterator[SparkNight]:
    """A night over the same files that loads into Iceberg tables."""
    other = SparkNight(other_database, night.s3, worker=spark, folder=scratch / "spark" / "jobs")
    empty(other)
    yield other
    other.connect().close()


@pytest.fixture
def served_night(night: Night, other_database: str, spark: Worker, scratch: Path) -> Iterator[ServedNight]:
    """A night over the same files that loads into Iceberg tables, whose rows PostgreSQL serves."""
    other = ServedNight(other_database, night.s3, worker=spark, folder=scratch / "spark" / "jobs")
    empty(other)
    yield other
    empty(other)
    other.connect().close()
