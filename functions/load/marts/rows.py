"""Compute the rows of a mart beside it, then bring the mart to them."""

from psycopg import sql

from functions.common.database import Connection
from functions.load.statistics import refresh_statistics
from functions.model.render.marts import Scope

_KEYS = {
    "mart_order_line": ("transaction_id", "line_number", "product_id"),
    "mart_product_analytics": ("product_id",),
    "mart_customer_360": ("customer_id",),
}
"""Mart -> the columns of its primary key."""

# The queries have the columns of the marts in their order. `*=` compares what is stored, so 1.5 is not 1.50.
_REMOVE_DIFFERING = """delete from {mart} as m
where not exists (select from new_row as n where {same_key} and n *= m)"""

_ADD_MISSING = """insert into {mart}
select n.*
from new_row as n
where not exists (select from {mart} as m where {same_key})
order by {key}"""

_ADD = "insert into {mart} select n.* from new_row as n"


def advise_planner(connection: Connection, scope: Scope) -> None:
    """Advise the planner until the transaction ends: of many keys, nested loops would look up one by one."""
    loops = "on" if scope.is_few else "off"
    connection.execute("select set_config('enable_nestloop', %s, true)", (loops,))


def write_everything(connection: Connection, mart: str) -> int:
    """Bring the mart to what the vault holds, changing the rows that differ only; return how many it has.

    Before the first publication a mart may hold rows without details, of keys that only the clickstream has named.
    """
    of_one_object = connection.execute(
        "select source from staging.counted_object group by source having count(*) = 1"
    ).fetchall()
    scope = Scope(of_one_object=frozenset(source for (source,) in of_one_object))
    advise_planner(connection, scope)
    rows = _compute(connection, scope, mart)
    is_filled = connection.execute(
        sql.SQL("select exists (select from {})").format(sql.Identifier("business_vault", mart))
    ).fetchone()
    added = rows
    if is_filled == (True,):
        _change(connection, mart, _REMOVE_DIFFERING)
        added = _change(connection, mart, _ADD_MISSING)
    else:
        _change(connection, mart, _ADD)
    connection.execute("drop table new_row")
    refresh_statistics(connection, "business_vault", mart, added)
    return rows


def write_touched(connection: Connection, scope: Scope, mart: str) -> int:
    """Add the rows of the touched keys, which were removed; return how many they are."""
    rows = _compute(connection, scope, mart)
    _change(connection, mart, _ADD)
    connection.execute("drop table new_row")
    refresh_statistics(connection, "business_vault", mart, rows)
    return rows


def _compute(connection: Connection, scope: Scope, mart: str) -> int:
    """Make the temporary table new_row of the mart's rows in scope, in the order of its key; return how many."""
    numbers = mart == "mart_order_line" and connection.execute(scope.repeated_products()).rowcount > 0
    if numbers:
        connection.execute(scope.line_numbers())
        connection.execute("analyze line_number")
    statement = scope.statement(mart, has_repeated_products=numbers)
    return connection.execute(sql.SQL("create temp table new_row on commit drop as {}").format(statement)).rowcount


def _change(connection: Connection, mart: str, statement: str) -> int:
    key = [sql.Identifier(name) for name in _KEYS[mart]]
    return connection.execute(
        sql.SQL(statement).format(
            mart=sql.Identifier("business_vault", mart),
            same_key=sql.SQL(" and ").join(sql.SQL("n.{0} = m.{0}").format(name) for name in key),
            key=sql.SQL(", ").join(sql.SQL("n.{}").format(name) for name in key),
        )
    ).rowcount
