"""No role comes by rights that are not its own, forgets more than retention does, or holds up the load."""

import psycopg
import pytest
from psycopg import errors as pg

from functions.load.schema.migrate import ROLES
from functions.model.metrics import load_metrics
from tests.support.csv_files import customers, transactions
from tests.support.night import Night, prepare, role_url
from tests.support.rds import MAX_CONNECTIONS

SCHEMAS = "('staging', 'raw_vault', 'business_vault', 'metadata', 'masked', 'audit')"


@pytest.fixture
def loaded(night: Night) -> Night:
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1"}))
    night.drop("customers/dt=2024-01-02/a.csv", customers({"customer_id": "C1"}))
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    night.run("first")
    return night


BOUNDED: dict[str, tuple[str, list[tuple[str, type[Exception] | None]]]] = {
    # function -> who may call it, and what it must refuse or let be without effect
    "raw_vault.open_tracking_month": (
        "c360_loader",
        [
            ("select raw_vault.open_tracking_month('infinity')", pg.InvalidParameterValue),
            ("select raw_vault.open_tracking_month('-infinity')", pg.InvalidParameterValue),
            ("select raw_vault.open_tracking_month('0001-01-01 BC')", pg.InvalidParameterValue),
            ("select raw_vault.open_tracking_month(null)", pg.InvalidParameterValue),
        ],
    ),
    "raw_vault.forget_tracking": (
        "c360_loader",
        [
            ("select raw_vault.forget_tracking('2100-01-01')", pg.UndefinedFunction),
            ("select raw_vault.forget_tracking()", None),
        ],
    ),
    "raw_vault.set_indexes_aside": (
        "c360_loader",
        [
            ("select raw_vault.set_indexes_aside('hub_customer')", None),  # holds rows
            ("select raw_vault.set_indexes_aside('record_tracking_satellite')", None),  # holds rows
            ("select raw_vault.set_indexes_aside('sat_product_details')", pg.RaiseException),  # not restored
            ("select raw_vault.set_indexes_aside('hub_customer; drop table x')", pg.UndefinedTable),
        ],
    ),
    "raw_vault.restore_indexes": ("c360_loader", [("select raw_vault.restore_indexes('hub_customer')", None)]),
    "business_vault.index_for_readers": ("c360_loader", [("select business_vault.index_for_readers()", None)]),
    "metadata.refresh_statistics": (
        "c360_loader",
        [
            ("select metadata.refresh_statistics('raw_vault', 'hub_customer', 1000)", None),
            ("select metadata.refresh_statistics('pg_catalog', 'pg_class', 1000)", pg.InvalidParameterValue),
            (
                "select metadata.refresh_statistics('raw_vault', 'hub; drop table x', 9)",
                pg.InvalidParameterValue,
            ),
        ],
    ),
    "metadata.take_costly_slot": (
        "c360_api",
        [
            ("select metadata.take_costly_slot()", None),
            ("select from metadata.costly_slot for update", pg.InsufficientPrivilege),
        ],
    ),
    "metadata.make_event_partitions": (
        "c360_stream",
        [
            ("select metadata.make_event_partitions('2000-01-01', '2100-01-01')", pg.InvalidParameterValue),
            ("select metadata.make_event_partitions('-infinity', current_date)", pg.DatetimeFieldOverflow),
            ("select metadata.make_event_partitions(null, null)", pg.InvalidParameterValue),
        ],
    ),
    "metadata.drop_event_partitions": (
        "c360_stream",
        [
            ("select metadata.drop_event_partitions('2100-01-01')", pg.UndefinedFunction),
            ("select metadata.drop_event_partitions()", pg.InsufficientPrivilege),
        ],
    ),
    "metadata.enforce_retention": (
        "c360_loader",
        [
            ("select metadata.enforce_retention('2100-01-01')", pg.UndefinedFunction),
            ("select metadata.enforce_retention()", None),
        ],
    ),
    "audit.append": (
        "c360_api",
        [
            ("select audit.append('[]')", pg.InvalidParameterValue),
            ("select audit.append(null)", pg.InvalidParameterValue),
            ("select audit.append('[1]')", pg.InvalidParameterValue),
            ("select audit.append(jsonb_build_array(repeat('x', 9000000)))", pg.InvalidParameterValue),
        ],
    ),
    "metadata.check_indexes_restored": ("c360_loader", [("select metadata.check_indexes_restored()", pg.Error)]),
    # sums that show no person, whatever is asked for
    **{
        metric.view: ("c360_bi", [(f"select * from {metric.view}('-infinity', 'infinity', '{{x}}', '{{}}')", None)])
        for metric in load_metrics().metrics.values()
        if metric.filters
    },
}


def test_what_runs_as_its_owner_searches_no_temporary_schema_and_is_not_for_everybody(loaded: Night) -> None:
    found = loaded.rows(
        "select p.oid::regproc::text, p.proconfig,"
        " exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0)"
        " from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace"
        f" where p.prosecdef and n.nspname in {SCHEMAS}"
    )
    assert {name for name, _, _ in found} == BOUNDED.keys(), "say what is bounded, and try it"
    for name, settings, everybody in found:
        assert "search_path=pg_catalog, pg_temp" in settings, name
        assert not everybody, name


@pytest.mark.parametrize("function", BOUNDED)
def test_what_runs_as_its_owner_is_bounded(loaded: Night, function: str) -> None:
    with psycopg.connect(loaded.admin_url) as connection:
        connection.execute(
            "insert into raw_vault.link_customer_event (link_hash_key, customer_hash_key, product_hash_key, event_id,"
            " event_type, occurred_at, loaded_at, record_row) values ('a', 'b', 'c', 'e', 'click', now(), now(), 0)"
        )
    counted = (
        "select (select count(*) from raw_vault.link_customer_event),"
        " (select count(*) from raw_vault.record_tracking_satellite), (select count(*) from pg_indexes"
        f" where schemaname in {SCHEMAS}), (select count(*) from pg_tables where schemaname in {SCHEMAS})"
    )
    before = loaded.rows(counted)
    assert before[0][:2] == (1, 1)
    role, attempts = BOUNDED[function]
    for statement, refusal in attempts:
        with psycopg.connect(role_url(loaded.admin_url, role)) as connection:
            if refusal is None:
                connection.execute(statement.encode())
                continue
            with pytest.raises(refusal):  # noqa: PT012 - some are refused when the transaction ends
                connection.execute(statement.encode())
                connection.commit()
    assert loaded.rows(counted) == before


def test_a_temporary_view_does_not_make_the_loader_administrator(loaded: Night) -> None:
    with psycopg.connect(role_url(loaded.admin_url, "c360_loader")) as connection:
        connection.execute(
            "create function staging.seized() returns name language plpgsql as"
            " $$ begin raise exception 'ran as %', current_user; end $$"
        )
        for name in ("pg_tables", "pg_class", "pg_inherits"):
            connection.execute(
                f"create temporary view {name} as"
                " select 'raw_vault'::name as schemaname, staging.seized() as tablename,"
                " 1::oid as oid, 1::oid as inhrelid, 1::oid as inhparent, staging.seized() as relname".encode()
            )
        connection.execute("select raw_vault.open_tracking_month('1990-01-01')")
        connection.execute("select raw_vault.forget_tracking()")
        connection.rollback()


def test_nobody_else_can_hold_up_the_load(loaded: Night) -> None:
    with psycopg.connect(role_url(loaded.admin_url, "c360_bi")) as connection:
        for key in (0x6333_3630, 0x6333_3631, 0x6333_3632):
            connection.execute("select pg_advisory_lock(%s)", (key,))
        for table in ("hub_customer", "sat_customer_details", "record_tracking_satellite"):
            connection.execute("select pg_advisory_lock(hashtext('raw_vault'), hashtext(%s))", (table,))
        loaded.drop("customers/dt=1990-01-03/a.csv", customers({"customer_id": "C2"}))
        assert loaded.run()["status"] == "SUCCEEDED"
    for role in set(ROLES) - {"c360_loader"}:
        with psycopg.connect(role_url(loaded.admin_url, role)) as connection:
            with pytest.raises(pg.InsufficientPrivilege):
                connection.execute("select from metadata.lock for update")
            connection.rollback()
            with pytest.raises(pg.InsufficientPrivilege):
                connection.execute("lock table metadata.migration in share row exclusive mode")


def test_every_role_has_limits_and_together_they_fit_the_smallest_server(loaded: Night) -> None:
    found = dict(
        loaded.rows("select rolname, rolconnlimit from pg_roles where rolname like 'c360\\_%' and not rolsuper")
    )
    assert found.keys() == set(ROLES)
    assert all(limit > 0 for limit in found.values())
    assert sum(found.values()) <= MAX_CONNECTIONS - 3
    for role in found:
        with psycopg.connect(role_url(loaded.admin_url, role)) as connection:
            for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                assert connection.execute(f"show {limit}".encode()).fetchone() != ("0",), (role, limit)


@pytest.mark.parametrize("role", ["c360_api", "c360_bi", "c360_bi_persons"])
def test_readers_make_no_temporary_tables(database_url: str, role: str) -> None:
    prepare(database_url)
    with psycopg.connect(role_url(database_url, role)) as connection, pytest.raises(pg.InsufficientPrivilege):
        connection.execute("create temporary table mine (n int)")


def test_what_has_ended_stays_as_it_was_written(loaded: Night) -> None:
    loaded.drop("customers/dt=2024-01-05/a.csv", customers({"customer_id": "C2"}))
    running, (object_id,) = loaded.plan("second")
    ended = loaded.rows("select min(object_id) from metadata.object_version where run_id = 'first'")[0][0]
    attempts = [
        "update metadata.load_run set status = 'FAILED' where run_id = 'first'",
        "update metadata.load_run set status = 'RUNNING', redrive_count = 1 where run_id = 'first'",
        "update metadata.load_run set finished_at = now() where run_id = 'first'",
        "update metadata.load_run set loaded_at = '2000-01-01' where run_id = 'second'",
        "delete from metadata.load_run where run_id = 'first'",
        "update metadata.quality_result set passed = false where run_id = 'first'",
        "delete from metadata.quality_result where run_id = 'first'",
        "update metadata.load_step set rows = 7",
        "delete from metadata.load_step",
        f"insert into metadata.vault_load values ({ended}, 'forged', 'first')",
        "update metadata.vault_load set run_id = 'second'",
        "delete from metadata.vault_load",
        f"update metadata.object_version set rows_loaded = 7, run_id = 'second' where object_id = {ended}",
        f"update metadata.object_version set status = 'PLANNED' where object_id = {ended}",
        f"update metadata.object_version set effective_at = '2000-01-01' where object_id = {object_id}",
        f"update metadata.object_version set object_key = 'other' where object_id = {object_id}",
        "delete from metadata.object_version",
        "update metadata.retention set days = 1",
        "insert into metadata.retention values ('events', 'other', 1)",
        "delete from metadata.tracking_horizon",
        "insert into metadata.lock values ('mine')",
        "delete from metadata.dead_letter",
        "alter table metadata.load_run disable trigger all",
        "drop trigger ended_runs_stay on metadata.load_run",
        "set session_replication_role = replica",
    ]  # fmt: skip
    with psycopg.connect(role_url(loaded.admin_url, "c360_loader"), autocommit=True) as connection:
        for statement in attempts:
            with pytest.raises(pg.InsufficientPrivilege):
                connection.execute(statement.encode())
    loaded.fail(running)
    assert loaded.run()["status"] == "SUCCEEDED"
