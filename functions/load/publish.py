"""Publish the marts: recompute the rows of the keys that a run touched, all marts in one transaction."""

from collections.abc import Mapping
from datetime import UTC, datetime

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import QualityError
from functions.load.ledger import active_run, objects_of, recorded_step
from functions.load.model import SQL_FOLDER

MARTS = ("mart_order_line", "mart_product_analytics", "mart_customer_360")
"""In the order in which they build on each other: what customers like depends on what categories products have."""

_FOLDER = SQL_FOLDER / "marts"

type _Scope = Mapping[str, sql.SQL]
"""What the statements of sql/marts leave open: which keys they are about."""

_EVERYTHING: _Scope = {
    "touched_order": sql.SQL(""),
    "touched_line": sql.SQL(""),
    "touched_product": sql.SQL(""),
    "touched_customer": sql.SQL(""),
    "of_touched_product": sql.SQL(""),
    "of_touched_customer": sql.SQL(""),
    "bought_by_touched_customer": sql.SQL(""),
    "lines_of_touched_order": sql.SQL(""),
    "sold_of_touched_product": sql.SQL(""),
    "sales": sql.SQL("select product_id, 1 as sold, quantity, total_amount from business_vault.mart_order_line"),
}

_TOUCHED: _Scope = {
    "touched_order": sql.SQL("join touched_order using (order_hash_key)"),
    "touched_line": sql.SQL("join touched_line using (link_hash_key)"),
    "touched_product": sql.SQL("join touched_product using (product_hash_key)"),
    "touched_customer": sql.SQL("join touched_customer using (customer_hash_key)"),
    "of_touched_product": sql.SQL("join touched_product as t on t.product_hash_key = h.product_hash_key"),
    "of_touched_customer": sql.SQL("join touched_customer as t on t.customer_hash_key = h.customer_hash_key"),
    "bought_by_touched_customer": sql.SQL("join touched_customer as t on t.customer_id = m.customer_id"),
    "lines_of_touched_order": sql.SQL("join touched_order as t on t.transaction_id = m.transaction_id"),
    "sold_of_touched_product": sql.SQL("join touched_product as t on t.product_id = m.product_id"),
    "sales": sql.SQL(
        "select product_id, 1 as sold, quantity, total_amount"
        " from business_vault.mart_order_line join touched_order using (transaction_id)"
        " union all select product_id, -1, -quantity, -total_amount from replaced_line"
        " union all select product_id, total_sold, total_quantity, revenue from replaced_product"
    ),
}

_STATEMENTS = {
    "mart_order_line": "order_line.sql",
    "mart_product_analytics": "product_analytics.sql",
    "mart_customer_360": "customer_360.sql",
}

_MANY_ORDERS = 10_000

_ADVISORY_LOCK = 0x6333_3632  # one publication at a time: each reads what the one before wrote


def publish(connection: Connection, run_id: str) -> dict[str, int]:
    """Bring the marts up to date with what the run's objects changed; return rows written by mart.

    Today moves on to the day of the run, also when it has no objects. Publishing a run twice writes the same rows
    again and changes nothing. Raises RunNotActiveError, and QualityError when the marts do not add up to the vault.
    """
    run = active_run(connection, run_id)
    begin_publication(connection)
    _move_anchor(connection, run.loaded_at)
    published = connection.execute("select exists (select from metadata.mart_publication)").fetchone()
    if published == (True,):
        touched = _find_touched(connection, objects_of(connection, run_id, ["STAGED"]))
    else:
        touched = None
        connection.execute("set local enable_nestloop = off")
    written = {}
    for mart in MARTS:
        with recorded_step(connection, run_id, mart) as step:
            removed = 0
            if touched is None:
                step.rows = write_everything(connection, mart)
            elif touched[mart]:
                removed, step.rows = _replace_touched(connection, mart)
        written[mart] = step.rows
        if touched is not None and mart == "mart_product_analytics" and touched[mart]:
            touched["mart_customer_360"] += connection.execute((_FOLDER / "buyers.sql").read_bytes()).rowcount
        connection.execute(
            "insert into metadata.mart_publication as p (mart, run_id, published_at, rows) values (%s, %s, now(), %s)"
            " on conflict (mart) do update"
            " set run_id = excluded.run_id, published_at = excluded.published_at, rows = p.rows + excluded.rows",
            (mart, run_id, step.rows - removed),
        )
    if touched is None or any(touched.values()):
        _reconcile(connection, _EVERYTHING if touched is None else _TOUCHED)
    complete_publication(connection, customers_changed=touched is None or touched["mart_customer_360"] > 0)
    return written


def begin_publication(connection: Connection) -> None:
    """Wait for the publication before; until the transaction ends, nobody else publishes."""
    connection.execute("select pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
    connection.execute("set local work_mem = '64MB'")


def write_everything(connection: Connection, mart: str) -> int:
    """Fill the mart, which must be empty, from all that the vault holds; return its rows."""
    return connection.execute(_statement(mart, _EVERYTHING)).rowcount


def complete_publication(connection: Connection, *, customers_changed: bool) -> None:
    """What depends on all customers at once, and the indexes when this is the first publication."""
    if customers_changed:
        connection.execute((_FOLDER / "quintiles.sql").read_bytes())
    connection.execute("select business_vault.index_for_readers()")


def _statement(mart: str, scope: _Scope) -> sql.Composed:
    return sql.SQL((_FOLDER / _STATEMENTS[mart]).read_text(encoding="utf-8")).format(**scope)


def reconcile(connection: Connection) -> None:
    """Compare all that the marts hold with what it was made of. Raises QualityError naming what differs."""
    _reconcile(connection, _EVERYTHING)


def _reconcile(connection: Connection, scope: _Scope) -> None:
    statement = sql.SQL((_FOLDER / "reconcile.sql").read_text(encoding="utf-8")).format(**scope)
    differing = [
        f"{rule} is {held}, made of {made_of}"
        for rule, made_of, held in connection.execute(statement)
        if made_of != held
    ]
    if differing:
        raise QualityError(f"the marts do not add up and are not published: {'; '.join(differing)}")


def _move_anchor(connection: Connection, loaded_at: datetime) -> None:
    """Never back: a run that is resumed days later publishes after younger ones."""
    connection.execute(
        "insert into business_vault.mart_anchor as a (anchor) values (%s)"
        " on conflict (is_only) do update set anchor = excluded.anchor where a.anchor < excluded.anchor",
        (loaded_at.astimezone(UTC).date(),),
    )


def _find_touched(connection: Connection, object_ids: list[int]) -> dict[str, int]:
    """Make the temporary tables touched_… and replaced_…; return how many keys of each mart are touched."""
    connection.execute("create temp table published_object (object_id bigint primary key) on commit drop")
    connection.execute("insert into published_object select unnest(%s::bigint[])", (object_ids,))
    connection.execute("analyze published_object")
    connection.execute((_FOLDER / "touched.sql").read_bytes())
    counted = connection.execute(
        "select (select count(*) from touched_order), (select count(*) from touched_product),"
        " (select count(*) from touched_customer)"
    ).fetchone()
    touched: dict[str, int] = dict(zip(MARTS, counted or (), strict=True))
    if touched["mart_order_line"] > _MANY_ORDERS:
        # the planner takes `distinct on` for a few hundred rows, and would look up each of many in turn
        connection.execute("set local enable_nestloop = off")
    return touched


_REPLACE = {
    "mart_order_line": "with gone as (delete from business_vault.mart_order_line as m using touched_order as t"
    " where m.transaction_id = t.transaction_id returning m.product_id, m.quantity, m.total_amount)"
    " insert into replaced_line select product_id, quantity, total_amount from gone",
    "mart_product_analytics": "with gone as (delete from business_vault.mart_product_analytics as m"
    " using touched_product as t where m.product_id = t.product_id"
    " returning m.product_id, m.category, m.total_sold, m.total_quantity, m.revenue)"
    " insert into replaced_product select product_id, category, total_sold, total_quantity, revenue from gone",
    "mart_customer_360": "delete from business_vault.mart_customer_360 as m"
    " using touched_customer as t where m.customer_id = t.customer_id",
}


def _replace_touched(connection: Connection, mart: str) -> tuple[int, int]:
    """Remove the touched keys' rows and write them anew; return rows removed and rows written."""
    removed = connection.execute(_REPLACE[mart]).rowcount
    return removed, connection.execute(_statement(mart, _TOUCHED)).rowcount
