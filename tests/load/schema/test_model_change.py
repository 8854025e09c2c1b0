"""The model may grow: the guide works as written, nothing that was there changes, and the tables are the model's."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from moto import mock_aws

from functions.common.sql_files import SQL_FOLDER
from functions.load.schema.migrate import ROLES, Migration, migrate, read_migrations
from functions.load.schema.recorded_model import recorded_model
from functions.model.declaration import Model
from functions.model.reading import load_model, parse_model
from functions.model.render.ddl import render_ddl, tables
from functions.model.render.migration import not_additive, render_migration
from local.servers.postgres import PostgresServer
from tests.support.csv_files import customers, transactions
from tests.support.database import fresh_database
from tests.support.database_state import published
from tests.support.guide import ROOT, Block, Reader, blocks
from tests.support.night import BUCKET, ROLE_PASSWORD, Night

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GUIDE = blocks(ROOT / "docs" / "model.md")
TEXT = (SQL_FOLDER / "model.yaml").read_text("utf-8")

type Catalog = dict[str, list[tuple[Any, ...]]]

_COLUMNS = """select attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
from pg_attribute
left join pg_attrdef on (adrelid, adnum) = (attrelid, attnum)
where attrelid = %s::regclass and attnum > 0 and not attisdropped
order by attname"""
_INDEXES = "select pg_get_indexdef(indexrelid) from pg_index where indrelid = %s::regclass order by 1"
_CONSTRAINTS = (
    "select contype::text, pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass order by 1, 2"
)
_TABLE = (
    "select relkind::text, relpersistence::text, pg_get_partkeydef(oid), reloptions from pg_class"
    " where oid = %s::regclass"
)


def catalog(connection: psycopg.Connection, model: Model) -> Catalog:
    """Of each table of the model: columns, types, not null, defaults, keys, partitioning, options, and its zero key."""
    catalog: Catalog = {}
    for name, _ in tables(model):
        catalog[name] = [
            row for query in (_TABLE, _COLUMNS, _CONSTRAINTS) for row in connection.execute(query, (name,))
        ]
        if ".hub_" in name:
            zero_key = f"select to_jsonb(h)::text from {name} as h where loaded_at = '-infinity'"
            catalog[name] += connection.execute(zero_key.encode()).fetchall()
    return catalog


def indexes(connection: psycopg.Connection, model: Model) -> set[str]:
    """The definitions of all indexes on the tables of the model; marts add some of their own to those of the model."""
    return {row[0] for name, _ in tables(model) for row in connection.execute(_INDEXES, (name,))}


def assert_built_as_rendered(url: str, empty_url: str, model: Model) -> None:
    """The tables of one database are what the model renders into an empty one."""
    with psycopg.connect(empty_url) as connection:
        connection.execute("create schema staging; create schema raw_vault")
        connection.execute(render_ddl(model).encode())
        rendered, rendered_indexes = catalog(connection, model), indexes(connection, model)
    with psycopg.connect(url) as connection:
        assert catalog(connection, model) == rendered
        assert rendered_indexes - indexes(connection, model) == set()


def applied(url: str, migrations: list[Migration]) -> None:
    with psycopg.connect(url) as connection:
        migrate(connection, dict.fromkeys(ROLES, ROLE_PASSWORD), migrations)


def grown(text: str) -> tuple[Model, list[Migration]]:
    """The model of a text, and the migrations with the one to it that is rendered."""
    target, migrations = parse_model(text), read_migrations()
    current = recorded_model(migrations)
    assert list(not_additive(current, target)) == []
    return target, [*migrations, Migration(len(migrations) + 1, "grow", render_migration(current, target) or "")]


@pytest.fixture
def own_night(
    postgres_server: PostgresServer, migrated_template: str, s3_client: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> Iterator[Night]:
    """An empty platform with a database that no other test sees."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(), fresh_database(postgres_server, migrated_template) as url:
        s3_client.create_bucket(Bucket=BUCKET)
        s3_client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield Night(url, s3_client)


def test_the_migrations_build_what_the_model_renders(migrated_database: str, database_url: str) -> None:
    assert_built_as_rendered(migrated_database, database_url, load_model())


def test_the_guide_works_as_it_is_written(own_night: Night, database_url: str, tmp_path: Path) -> None:
    night = own_night
    described = [{"customer_id": "C1", "first_name": "Ann", "city": "Oslo"}]
    described += [{"customer_id": "C2", "first_name": "Bea", "city": "Rome"}]
    night.drop("customers/dt=2024-01-01/a.csv", customers(*described))
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}, {"transaction_id": "T2"}))
    night.run()
    before = published(night)
    reader = Reader(tmp_path / "checkout", night)
    assert {block.kind for block in GUIDE} == {"sh", "diff", "csv", "text"}
    for block in GUIDE:
        reader.follow(block)
    assert published(night) == before, "the marts show none of what was added"
    assert_built_as_rendered(night.admin_url, database_url, night.model)
    as_of = night.rows("select customer_id, first_name from business_vault.customer_360_as_of('2024-02-02', now())")
    assert sorted(as_of) == [("C1", "Ann"), ("C2", "Bea")]


def test_a_guide_that_shows_another_answer_is_caught(night: Night, tmp_path: Path) -> None:
    reader = Reader(tmp_path / "checkout", night)
    reader.follow(Block("sh", "", 'c360 sql "select 1 as n"\n'))
    reader.follow(Block("text", "", "n\n1\n"))
    with pytest.raises(AssertionError):
        reader.follow(Block("text", "", "n\n2\n"))
    with pytest.raises(AssertionError):
        reader.follow(Block("diff", "", "   no_such_line:\n+  more: 1\n"))


LOYALTY = TEXT.replace(
    "      customer_segment: {type: text}\n", "      customer_segment: {type: text}\n      loyalty: {type: text}\n"
).replace("city, customer_segment]", "city, customer_segment, loyalty]")
ANN = {"customer_id": "C1", "first_name": "Ann", "customer_segment": "~"}
BEA = {"customer_id": "C2", "first_name": "Bea"}


def test_a_new_column_that_is_empty_changes_no_row(own_night: Night) -> None:
    night = own_night
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN, BEA))
    night.run()
    night.model, migrations = grown(LOYALTY)
    applied(night.admin_url, migrations)
    header, *rows = customers(ANN, BEA).splitlines()
    for day, extra in ((2, ["", ""]), (3, [",", ","]), (4, [",gold", ","]), (5, [",gold", ","])):
        name = ",loyalty" if day > 2 else ""
        lines = [header + name, *(row + cell for row, cell in zip(rows, extra, strict=True))]
        night.drop(f"customers/dt=2024-01-0{day}/a.csv", "\n".join(lines) + "\n")
        totals = night.run()["totals"]
        assert (totals["loaded"], totals["unchanged"]) == ((1, 1) if day == 4 else (0, 2)), day
    assert night.rows("select loyalty from raw_vault.sat_customer_details order by effective_at, loyalty") == [
        (None,), (None,), ("gold",)
    ]  # fmt: skip


def test_a_run_that_had_staged_its_files_goes_on_after_the_migration(own_night: Night) -> None:
    night = own_night
    night.drop("customers/dt=2024-01-01/a.csv", "customer_id,first_name,loyalty\nC1,Ann,gold\nC2,,\n")
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.model, migrations = grown(LOYALTY)
    applied(night.admin_url, migrations)
    assert night.stage(run_id, object_ids) == ["STAGED"]
    night.check(run_id, "staging")
    night.load_vault(run_id)
    night.check(run_id, "vault")
    assert night.finish(run_id)["totals"]["loaded"] == 2
    assert night.rows("select loyalty from raw_vault.sat_customer_details order by 1") == [("gold",), (None,)]


AWKWARD = (
    TEXT.replace(
        "\nhubs:\n",
        """
  order:
    measures: [table]
    columns:
      select: {type: text, required: true}
      user: {type: text, required: true}
      customer_id: {type: text}
      group: {type: integer}
      table: {type: decimal}
      desc: {type: date}
      source: {type: text}

  pairs:
    columns:
      select: {type: text, required: true}
      user: {type: text, required: true}

hubs:
  hub_select: {hash_key: select_hash_key, business_key: select, sources: [order, pairs]}
  hub_user: {hash_key: user_hash_key, business_key: user, sources: [order, pairs]}
""",
    )
    .replace("sources: [customers, transactions]", "sources: [customers, transactions, order]")
    .replace(
        "\nlinks:\n",
        """
links:
  link_all: {hubs: [hub_select, hub_user, hub_customer], dependent_child_key: group, source: order}
  link_two: {hubs: [hub_user, hub_select], source: order, indexed: [hub_user, hub_select]}
  link_pair: {hubs: [hub_select, hub_user], source: pairs}
""",
    )
    .replace(
        "\nsatellites:\n",
        """
satellites:
  sat_select: {parent: hub_select, source: order, columns: [desc, source]}
  sat_user: {parent: hub_user, source: order, columns: [table]}
  sat_two: {parent: link_two, source: order, driving_key: hub_user}
  sat_pair: {parent: link_pair, source: pairs, driving_key: hub_select}
  sat_select_status: {parent: hub_select, source: order, status_of: sat_select}
  sat_user_status: {parent: hub_user, source: order, status_of: sat_user}
""",
    )
)


def order(*rows: str) -> str:
    return "\n".join(["select,user,customer_id,group,table,desc,source", *rows]) + "\n"


def test_a_source_of_another_shape_loads_as_well(own_night: Night) -> None:
    """Names that are words of SQL, links of three hubs and without a satellite, empty keys, two status satellites."""
    night = own_night
    night.model, migrations = grown(AWKWARD)
    applied(night.admin_url, migrations)
    first = "a,u,C1,1,1.10,2024-01-01,x"
    night.drop("order/dt=2024-01-01/a.csv", order(first, first.replace("C1,1", "C1,2"), "b,w,,,,,"))
    [file] = night.run()["files"]
    assert (file["rows_read"], file["loaded"], file["duplicate"]) == (3, 3, 0), "the second row adds a link"
    assert night.rows("select count(*) from raw_vault.link_all") == [(3,)]
    assert night.rows("select count(*) from raw_vault.hub_customer where customer_id = 'C1'") == [(1,)]
    night.drop("order/snapshot/dt=2024-01-02/a.csv", order(first))
    [file] = night.run()["files"]
    assert (file["loaded"], file["unchanged"]) == (0, 1)
    assert night.rows(
        "select h.select, is_deleted from raw_vault.sat_select_status join raw_vault.hub_select as h"
        " using (select_hash_key)"
    ) == [("b", True)]
    assert night.rows("select count(*) from raw_vault.sat_user_status where is_deleted") == [(1,)]
    night.drop(
        "order/dt=2024-01-03/a.csv", order("a,v,C2,1,2.5,2024-01-01,y", "a,v,C2,1,2.5,2024-01-01,y", "a,v,C2,x,1,,")
    )
    [file] = night.run()["files"]
    assert (file["loaded"], file["duplicate"], file["quarantined"]) == (1, 1, 1)
    assert night.rows("select measures -> 'table' from metadata.object_version order by object_id desc limit 1") == [
        (
            {
                "file": "6.0",
                "quarantined": "1",
                "staged": "5.0",
                "vault": "2.5",
                "duplicate": "2.5",
                "overruled": "0",
            },
        )
    ]
