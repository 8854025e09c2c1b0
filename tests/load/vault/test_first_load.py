"""A first load builds the indexes of the vault's tables over its rows instead of growing them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest

from functions.load.vault import table_load
from functions.load.vault.hubs import load_hubs
from functions.load.vault.links import load_links
from functions.load.vault.satellites import load_satellites
from tests.support.csv_files import transactions
from tests.support.database_state import canonical
from tests.support.night import Night
from tests.support.sabotage import cut_at_every_statement
from tests.support.shop import SHOP

ALONE = {"hub_order", "link_customer_order", "link_order_product", "sat_order_details", "sat_order_line"}


@pytest.fixture
def every_load_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_load, "_ROWS_WORTH_AN_INDEX_BUILD", 1)


def indexes(night: Night) -> list[tuple[str, str]]:
    return night.rows(
        "select indexname, indexdef from pg_indexes where schemaname = 'raw_vault'"
        " and tablename !~ '^record_tracking' order by 1"
    )


def built(night: Night) -> dict[str, set[int]]:
    """Table -> its indexes, other ones each time that they are built."""
    by_table: dict[str, set[int]] = {}
    for table, index in night.rows(
        "select i.indrelid::regclass::text, i.indexrelid::bigint from pg_index as i"
        " join pg_class as c on c.oid = i.indrelid where c.relnamespace = 'raw_vault'::regnamespace"
    ):
        by_table.setdefault(table.removeprefix("raw_vault."), set()).add(index)
    return by_table


@contextmanager
def reading(night: Night, table: str) -> Iterator[None]:
    with psycopg.connect(night.admin_url) as reader:
        reader.execute(f"select count(*) from raw_vault.{table}".encode())
        yield


def test_the_vault_and_its_indexes_are_those_of_a_small_load(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, content in SHOP.items():
        night.drop(key, content)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    before, defined = built(night), indexes(night)
    monkeypatch.setattr(table_load, "_ROWS_WORTH_AN_INDEX_BUILD", 1)
    night.load_vault(run_id)
    after = built(night)
    rebuilt = {table for table in before if not before[table] & after[table]}
    assert rebuilt >= ALONE
    assert not rebuilt & {"hub_customer", "hub_product"}, "the clickstream writes there too"
    assert indexes(night) == defined
    assert night.rows("select count(*) from metadata.index_set_aside") == [(0,)]


@pytest.mark.usefixtures("every_load_is_large")
def test_indexes_of_a_table_that_holds_rows_stay(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    night.run()
    before = built(night)
    night.drop("transactions/dt=2024-01-02/a.csv", transactions({"transaction_id": "T2"}))
    night.run()
    assert {table: before[table] for table in ALONE} == {table: built(night)[table] for table in ALONE}


@pytest.mark.usefixtures("every_load_is_large")
def test_a_table_that_somebody_reads_is_loaded_with_its_indexes_and_without_waiting(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    before = built(night)
    with reading(night, "link_order_product"):
        night.load_vault(run_id)
    after = built(night)
    assert after["link_order_product"] == before["link_order_product"]
    assert not after["link_customer_order"] & before["link_customer_order"]
    assert night.rows("select count(*) from raw_vault.link_order_product") == [(1,)]


@pytest.mark.usefixtures("every_load_is_large")
def test_a_first_load_cut_off_at_any_statement_leaves_every_index_in_its_place(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}, {"line_number": "2"}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    before, defined = canonical(night), indexes(night)
    cut = 0
    for step in (load_hubs, load_links, load_satellites):
        for _ in cut_at_every_statement(night.connect, partial(step, model=night.model, run_id=run_id)):
            cut += 1
            assert indexes(night) == defined
    assert cut > 30, "each statement once"
    assert indexes(night) == defined
    assert canonical(night) != before


def test_the_loader_may_not_say_what_is_built_in_the_owners_name(night: Night) -> None:
    with night.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            "insert into metadata.index_set_aside values ('hub_order', 'drop table raw_vault.hub_order')"
        )
