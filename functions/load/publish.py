"""Publish the marts: recompute the rows of the keys that a run touched, all marts in one transaction."""

from functions.common.database import Connection
from functions.load.ledger import active_run, objects_of, recorded_step
from functions.load.model import SQL_FOLDER

MARTS = {
    "mart_order_line": "order_line.sql",
    "mart_customer_360": "customer_360.sql",
    "mart_product_analytics": "product_analytics.sql",
}
"""Table -> statement in sql/marts, in the order in which they build on each other."""

_MANY_ORDERS = 10_000

_ADVISORY_LOCK = 0x6333_3632  # one publication at a time: each reads what the one before wrote


def publish(connection: Connection, run_id: str) -> dict[str, int]:
    """Bring the marts up to date with what the run's objects changed; return rows written by mart.

    Publishing a run twice writes the same rows again and changes nothing.
    """
    active_run(connection, run_id)
    connection.execute("select pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
    connection.execute("set local work_mem = '64MB'")
    connection.execute("create temp table published_object (object_id bigint primary key) on commit drop")
    connection.execute(
        "insert into published_object select unnest(%s::bigint[])", (objects_of(connection, run_id, ["STAGED"]),)
    )
    connection.execute("analyze published_object")
    published = connection.execute("select exists (select from metadata.mart_publication)").fetchone()
    scope = "touched.sql" if published == (True,) else "everything.sql"
    connection.execute((SQL_FOLDER / "marts" / scope).read_bytes())
    touched = connection.execute("select count(*) from touched_order").fetchone()
    if touched and touched[0] > _MANY_ORDERS:
        # the planner takes `distinct on` for a few hundred rows, and would look up each of many in turn
        connection.execute("set local enable_nestloop = off")
    written = {}
    for mart, file in MARTS.items():
        with recorded_step(connection, run_id, mart) as step:
            # two statements: the touched rows go, and come again; the answer to the second counts
            cursor = connection.execute((SQL_FOLDER / "marts" / file).read_bytes())
            cursor.nextset()
            step.rows = cursor.rowcount
        written[mart] = step.rows
    connection.execute(
        "insert into metadata.mart_publication (mart, run_id, published_at) select unnest(%s::text[]), %s, now()"
        " on conflict (mart) do update set run_id = excluded.run_id, published_at = excluded.published_at",
        (list(MARTS), run_id),
    )
    return written
