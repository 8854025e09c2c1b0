"""On RDS the administrator is no superuser, and who is a member of rds_iam gets in by a token only."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import psycopg
import pytest
from moto import mock_aws
from psycopg import sql
from psycopg.conninfo import make_conninfo

from functions.common.database import Connection, connect, sign_in
from functions.common.errors import DatabaseUnavailableError
from functions.common.sql_files import read_sql
from functions.load.schema.migrate import ROLES, Migration, read_migrations
from functions.load.schema.migrate_handler import handle
from infra.constructs.rds import ADMIN_USER
from tests.support.csv_files import customers, transactions
from tests.support.lambda_context import lambda_context
from tests.support.night import BUCKET, Night
from tests.support.rds import MAX_CONNECTIONS, RdsServer, rds_server, signer

NAMES = [migration.name for migration in read_migrations()]


@pytest.fixture(scope="session")
def rds(scratch: Path) -> Iterator[RdsServer]:
    folder = scratch / "rds"
    folder.mkdir(mode=0o711)
    with rds_server(folder) as server:
        yield server


@pytest.fixture
def deployed(rds: RdsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database that the migrator has brought up to date; the environment is the migrator's."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials that it found first
    with rds.database() as name:
        for variable, value in rds.environment(database=name).items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setenv("DATABASE_ROLE_SECRETS", "{}")
        assert handle({}, lambda_context()) == {"applied": NAMES}
        yield name


def test_the_administrator_is_no_superuser(rds: RdsServer, deployed: str) -> None:
    with connect(rds.settings(database=deployed)) as connection:
        assert connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (False,)
        assert connection.execute("show max_connections").fetchone() == (str(MAX_CONNECTIONS),)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select pg_read_file('postgresql.conf')")


def test_the_first_deployment_and_the_second_sign_in_and_migrate(deployed: str) -> None:
    assert handle({}, lambda_context()) == {"applied": []}


def test_an_upgrade_from_any_earlier_release_ends_as_a_first_deployment(
    rds: RdsServer, deployed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(rds.settings(database=deployed)) as connection:
        first = _schema(connection)
    for version in range(1, len(NAMES)):
        with rds.database() as earlier:
            with connect(rds.settings(database=earlier)) as connection, connection.transaction():
                _deploy_release(connection, read_migrations()[:version])
            monkeypatch.setenv("DATABASE_NAME", earlier)
            assert handle({}, lambda_context()) == {"applied": NAMES[version:]}
            with connect(rds.settings(database=earlier)) as connection:
                assert _schema(connection) == first, f"from migration {version}"


def _deploy_release(connection: Connection, migrations: list[Migration]) -> None:
    """What the release that ended with these migrations has left: its schema, with staging handed to the loader."""
    connection.execute("create schema metadata")
    connection.execute(read_sql("load/create_migration_ledger.sql"))
    for migration in migrations:
        connection.execute(sql.SQL(migration.text))
        connection.execute(
            "insert into metadata.migration (version, name, checksum) values (%s, %s, %s)",
            (migration.version, migration.name, migration.checksum),
        )
    connection.execute("grant usage, create on schema staging to c360_loader")
    for (table,) in connection.execute("select tablename from pg_tables where schemaname = 'staging'").fetchall():
        connection.execute(sql.SQL("alter table {} owner to c360_loader").format(sql.Identifier("staging", table)))


_SCHEMA = """
    select 'table', c.oid::regclass::text, c.relkind::text, c.relacl::text, c.relowner::regrole::text from pg_class as c
    where c.relnamespace::regnamespace::text = any(%(schemas)s)
    union all
    select 'column', a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text
    from pg_attribute as a join pg_class as c on c.oid = a.attrelid
    where c.relnamespace::regnamespace::text = any(%(schemas)s) and a.attnum > 0 and not a.attisdropped
    union all
    select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '' from pg_constraint
    where connamespace::regnamespace::text = any(%(schemas)s)
    union all
    select 'function', oid::regprocedure::text, md5(prosrc), proconfig::text, proacl::text from pg_proc
    where pronamespace::regnamespace::text = any(%(schemas)s)
    order by 1, 2, 3
"""


def _schema(connection: Connection) -> list[tuple[object, ...]]:
    """Tables, columns, constraints and functions, with their rights."""
    schemas = ["audit", "business_vault", "metadata", "raw_vault", "staging"]
    return connection.execute(_SCHEMA.encode(), {"schemas": schemas}).fetchall()


@pytest.mark.parametrize("role", ROLES)
def test_every_role_signs_in_by_a_token_that_is_signed_for_it(
    rds: RdsServer, deployed: str, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    with connect(rds.settings(role, deployed)) as connection:
        assert connection.execute("select current_user").fetchone() == (role,)
    token = sign_in(rds.settings(role, deployed))["password"]
    with pytest.raises(psycopg.OperationalError, match="RADIUS authentication failed"):
        psycopg.connect(**sign_in(rds.settings(ADMIN_USER, deployed)) | {"password": token})
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of another account")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(DatabaseUnavailableError, match="RADIUS authentication failed"):
        connect(rds.settings(role, deployed))


@pytest.mark.parametrize("user", [ADMIN_USER, *ROLES])
def test_a_members_password_does_not_let_it_in(rds: RdsServer, deployed: str, user: str) -> None:
    with psycopg.connect(rds.superuser_url) as connection:
        connection.execute(sql.SQL("alter role {} password 'known'").format(sql.Identifier(user)))
    with pytest.raises(psycopg.OperationalError, match="RADIUS authentication failed"):
        psycopg.connect(
            host="127.0.0.1", port=rds.port, dbname=deployed, user=user, password="known",
            sslmode="verify-full", sslrootcert=str(rds.authority),
        )  # fmt: skip


def test_a_role_that_is_given_a_password_signs_in_with_it_and_by_token_no_more(
    rds: RdsServer, deployed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_aws():
        for variable, value in signer().items():  # moto brings credentials of its own
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        secret = boto3.client("secretsmanager").create_secret(Name="bi", SecretString='{"password": "a-password"}')
        monkeypatch.setenv("DATABASE_ROLE_SECRETS", json.dumps({"c360_bi": secret["ARN"]}))
        assert handle({}, lambda_context()) == {"applied": []}
    try:
        with psycopg.connect(
            host="127.0.0.1", port=rds.port, dbname=deployed, user="c360_bi", password="a-password",
            sslmode="verify-full", sslrootcert=str(rds.authority),
        ) as connection:  # fmt: skip
            assert connection.execute("select orders from business_vault.metric_overview").fetchone() == (0,)
        with pytest.raises(DatabaseUnavailableError):
            connect(rds.settings("c360_bi", deployed))
    finally:  # roles belong to the server
        monkeypatch.setenv("DATABASE_ROLE_SECRETS", "{}")
        handle({}, lambda_context())
    with connect(rds.settings("c360_bi", deployed)) as connection:
        assert connection.execute("select current_user").fetchone() == ("c360_bi",)


def test_nobody_gets_in_without_tls(rds: RdsServer, deployed: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(host="127.0.0.1", port=rds.port, dbname=deployed, user=ADMIN_USER, sslmode="disable")


@dataclass
class RdsNight(Night):
    """Nights whose loader signs in as its function does on RDS; only what a test asks, rdsadmin answers."""

    rds: RdsServer = field(kw_only=True)

    def connect(self) -> Connection:
        name = psycopg.conninfo.conninfo_to_dict(self.admin_url)["dbname"]
        return connect(self.rds.settings("c360_loader", str(name)))


def test_two_nights_and_their_readers_work(rds: RdsServer, deployed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        for variable, value in signer().items():  # moto brings credentials of its own
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        night = RdsNight(make_conninfo(rds.superuser_url, dbname=deployed), s3, rds=rds)
        for day, city in ((1, "Oslo"), (2, "Rome")):
            night.drop(f"customers/dt=2024-01-0{day}/a.csv", customers({"customer_id": "C1", "city": city}))
            night.drop(f"transactions/dt=2024-01-0{day}/a.csv", transactions({"transaction_id": f"T{day}"}))
            assert night.run()["status"] == "SUCCEEDED"
    for role, schema in (("c360_api", "business_vault"), ("c360_bi", "masked"), ("c360_bi_persons", "business_vault")):
        with connect(rds.settings(role, deployed)) as connection:
            read = f"select city, total_orders from {schema}.vw_customer_360"
            assert connection.execute(read.encode()).fetchall() == [("Rome", 2)]
