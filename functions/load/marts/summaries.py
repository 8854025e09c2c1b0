"""Keep the marts that sum order lines, by hour and by customer and month, in step with the lines."""

from psycopg import sql

from functions.common.database import Connection
from functions.common.sql_files import read_sql

SUMMARIES = ("mart_sale_hour", "mart_customer_month")

_NOTHING = sql.SQL("")
_EVERY_LINE = sql.SQL(
    "select customer_id, order_date, order_status, quantity, total_amount, is_first_line, 1 as change"
    " from business_vault.mart_order_line"
)
_LINE_CHANGES = sql.SQL(
    "select customer_id, order_date, order_status, quantity, total_amount, is_first_line, 1 as change"
    " from business_vault.mart_order_line join touched_order using (transaction_id)"
    " union all select customer_id, order_date, order_status, quantity, total_amount, is_first_line, -1"
    " from replaced_line"
)


def sum_changed_lines(connection: Connection) -> int:
    """Add what the touched orders' lines are now and take away what they were; return the rows written.

    When another time zone was declared since the last publication, all lines are summed again.
    """
    return sum_every_line(connection) if _follow_time_zone(connection) else _sum(connection, _LINE_CHANGES)


def sum_every_line(connection: Connection) -> int:
    """Sum all lines again, in the declared time zone; return the rows written."""
    _follow_time_zone(connection)
    for mart in SUMMARIES:
        connection.execute(sql.SQL("delete from {}").format(sql.Identifier("business_vault", mart)))
    return _sum(connection, _EVERY_LINE)


def _follow_time_zone(connection: Connection) -> bool:
    """Take the declared time zone for that of the summaries; return whether they were of another."""
    moved = connection.execute(
        "update business_vault.mart_anchor as a set time_zone = r.time_zone from metadata.reporting as r"
        " where a.time_zone is distinct from r.time_zone"
    )
    return moved.rowcount > 0


def _sum(connection: Connection, changes: sql.SQL) -> int:
    [zone] = connection.execute("select time_zone from business_vault.mart_anchor").fetchone() or (None,)
    written = 0
    for mart in SUMMARIES:
        file = f"marts/{mart.removeprefix('mart_')}"
        # merging costs twice an insert, and sorted rows build their index in half the time
        merge = _NOTHING if changes is _EVERY_LINE else read_sql(f"{file}_merge.sql")
        statement = read_sql(f"{file}.sql").format(changes=changes, zone=sql.Literal(zone), merge=merge)
        written += connection.execute(statement).rowcount
        connection.execute(
            sql.SQL("delete from {} where order_lines = 0").format(sql.Identifier("business_vault", mart))
        )
    return written
