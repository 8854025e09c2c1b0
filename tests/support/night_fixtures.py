"""Fixtures of the nightly load: a migrated database and a versioned landing bucket, which moto serves."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import psycopg
import pytest
from moto import mock_aws

from local.servers.postgres import PostgresServer
from tests.support.database import fresh_database
from tests.support.database_state import empty
from tests.support.night import BUCKET, Night, prepare

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    with fresh_database(postgres_server) as url:
        prepare(url)
        with psycopg.connect(url) as connection:
            name = connection.info.dbname
        yield name


@pytest.fixture(scope="session")
def s3_client() -> "S3Client":
    """One client for all tests: it takes longer to make than to use, and moto answers it whenever it mocks."""
    return boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture(scope="session")
def migrated_database(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """The administrator's URL of one migrated database that all nights share, each finding it empty."""
    with fresh_database(postgres_server, migrated_template) as url:
        yield url


@pytest.fixture
def night(migrated_database: str, s3_client: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """An empty platform, ready to have files dropped in."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3_client.create_bucket(Bucket=BUCKET)
        s3_client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield empty(Night(migrated_database, s3_client))
