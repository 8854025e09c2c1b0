"""Migrations run once, one at a time, forward only; and each role may do what it needs and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg

from functions.common.errors import MigrationError
from functions.load.schema.migrate import ROLES, Migration, migrate, read_migrations
from tests.support.csv_files import customers, transactions
from tests.support.night import ROLE_PASSWORD, Night, prepare, role_url

NAMES = [migration.name for migration in read_migrations()]


def apply(url: str, migrations: list[Migration] | None = None) -> list[str]:
    with psycopg.connect(url) as connection:
        return migrate(connection, dict.fromkeys(ROLES, ROLE_PASSWORD), migrations)


def test_migrating_twice_applies_nothing_twice(database_url: str) -> None:
    assert apply(database_url) == NAMES
    assert apply(database_url) == []
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select array_agg(name order by version) from metadata.migration").fetchone() == (
            NAMES,
        )


def test_two_migrations_at_once_apply_everything_once(database_url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        applied = list(pool.map(apply, [database_url] * 3))
    assert sorted(applied, key=len) == [[], [], NAMES]


def test_a_new_migration_is_applied_to_a_database_that_is_in_use(night: Night, database_url: str) -> None:
    prepare(database_url)
    night = Night(database_url, night.s3)
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1"}))
    night.run()
    known = read_migrations()
    added = Migration(
        len(known) + 1,
        "more",
        "create table business_vault.more (n int); create view business_vault.v as select 1 as n",
    )
    assert apply(night.admin_url, [*known, added]) == ["more"]
    assert night.rows("select count(*) from business_vault.vw_customer_360") == [(1,)]
    with psycopg.connect(role_url(night.admin_url, "c360_bi_persons")) as connection:
        assert connection.execute("select n from business_vault.v").fetchall() == [(1,)]


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str) -> None:
    broken = [*read_migrations(), Migration(len(NAMES) + 1, "broken", "create table public.half (n int); select 1 / 0")]
    with pytest.raises(pg.DivisionByZero):
        apply(database_url, broken)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select to_regclass('public.half'), to_regnamespace('metadata')").fetchone() == (
            None,
            None,
        )
    assert apply(database_url) == NAMES


def test_a_migration_that_was_edited_after_it_was_applied_is_refused(night: Night) -> None:
    first, *others = read_migrations()
    with pytest.raises(MigrationError, match=r"edited.*version=1"):
        apply(night.admin_url, [replace(first, text=first.text + " "), *others])


def test_a_database_of_a_newer_release_is_refused(night: Night) -> None:
    with pytest.raises(MigrationError, match="newer release"):
        apply(night.admin_url, read_migrations()[:-1])


@pytest.mark.parametrize(
    "names", [["0001_a.sql", "0003_b.sql"], ["0002_a.sql"], ["0001_a.sql", "0001_b.sql"], ["1_a.sql"], ["0001_A.sql"]]
)
def test_migrations_are_numbered_without_gaps(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1", encoding="utf-8")
    with pytest.raises(MigrationError):
        read_migrations(tmp_path)


def test_a_role_that_we_do_not_know_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url) as connection, pytest.raises(MigrationError, match="c360_root"):
        migrate(connection, {"c360_root": "x"})


@pytest.fixture
def loaded(night: Night) -> Night:
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1"}))
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    night.run()
    return night


FORBIDDEN = {
    "c360_api": [
        "insert into raw_vault.hub_customer select * from raw_vault.hub_customer",
        "update raw_vault.sat_customer_details set first_name = 'x'",
        "select etag from metadata.object_version",
        "select * from metadata.quarantine",
        "select * from metadata.load_run",
        "select * from raw_vault.record_tracking_satellite",
        "select * from staging.customers",
        "delete from business_vault.mart_customer_360",
        "insert into business_vault.mart_customer_360 (customer_id, total_orders, lifetime_value) values ('x', 0, 0)",
        "update business_vault.vw_order_analytics set customer_id = 'x'",
        "create table business_vault.mine (n int)",
        "create table public.mine (n int)",
        "create schema mine",
    ],
    "c360_bi": [
        "select * from business_vault.vw_customer_360",
        "select count(*) from business_vault.vw_order_analytics",
        "create table masked.mine (n int)",
    ],
    "c360_bi_persons": [
        "select * from business_vault.customer_360_as_of(now(), now())",
        "select * from business_vault.mart_customer_360",
        "select * from business_vault.mart_order_line",
        "select * from raw_vault.sat_customer_details",
        "select * from metadata.quarantine",
        "update business_vault.vw_order_analytics set customer_id = 'x'",
        "create table public.mine (n int)",
    ],
    "c360_loader": [
        "update raw_vault.sat_customer_details set first_name = 'x'",
        "delete from raw_vault.hub_customer",
        "truncate raw_vault.link_customer_order",
        "drop table raw_vault.hub_customer",
        "alter table business_vault.mart_customer_360 add column x int",
        "update metadata.migration set checksum = ''",
        "create table raw_vault.mine (n int)",
        "create role mine",
        "alter role c360_api password 'x'",
        "set role c360_api",
        "copy (select 1) to program 'true'",
    ],
    "c360_stream": ["select * from business_vault.vw_customer_360", "select * from raw_vault.hub_customer"],
}


@pytest.mark.parametrize("role", FORBIDDEN)
def test_no_role_may_do_what_is_not_its_business(loaded: Night, role: str) -> None:
    with psycopg.connect(role_url(loaded.admin_url, role), autocommit=True) as connection:
        for statement in FORBIDDEN[role]:
            with pytest.raises(pg.InsufficientPrivilege):
                connection.execute(statement.encode())


@pytest.mark.parametrize("role", ["c360_api", "c360_bi", "c360_bi_persons"])
def test_readers_may_read_every_view(loaded: Night, role: str) -> None:
    schema = "masked" if role == "c360_bi" else "business_vault"
    with psycopg.connect(role_url(loaded.admin_url, role)) as connection:
        for view in ("vw_customer_360", "vw_product_analytics", "vw_order_analytics"):
            shown = connection.execute(f"select count(*) from {schema}.{view}".encode()).fetchone()
            assert shown == (1,)
