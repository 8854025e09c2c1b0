"""Bring the views of the metric layer to what sql/metrics.yaml declares, in a deployment, after the migrations."""

from psycopg import sql

from functions.common.database import Connection
from functions.model.metrics import MetricLayer, checksum, statements

_RELATIONS = r"""
select c.relkind = 'v', c.oid::regclass::text
from pg_class as c
where c.relnamespace = 'business_vault'::regnamespace and c.relkind = 'v' and c.relname like 'metric\_%'
union all
select false, p.oid::regprocedure::text
from pg_proc as p
where p.pronamespace = 'business_vault'::regnamespace and p.proname like 'metric\_%'
order by 1 desc
"""


def apply_metric_layer(connection: Connection, layer: MetricLayer) -> bool:
    """Replace the views and functions when those in the database differ; return whether they did.

    Runs in the caller's transaction. What else depends on a view of the layer, such as somebody's own view, makes it
    fail with PostgreSQL's message that names it. A new time zone shows with the next publication of the marts.
    """
    rendered = checksum(layer)
    recorded = connection.execute("select checksum from metadata.reporting").fetchone()
    connection.execute(
        "insert into metadata.reporting as r (time_zone, currency, run_limit, checksum)"
        " values (%(zone)s, %(currency)s, make_interval(mins => %(minutes)s), %(checksum)s)"
        " on conflict (is_only) do update set time_zone = excluded.time_zone, currency = excluded.currency,"
        " run_limit = excluded.run_limit, checksum = excluded.checksum",
        {
            "zone": layer.time_zone,
            "currency": layer.currency,
            "minutes": layer.run_limit_minutes,
            "checksum": rendered,
        },
    )
    if recorded == (rendered,):
        return False
    for is_view, name in connection.execute(_RELATIONS).fetchall():
        # the names are PostgreSQL's own spelling of what it holds
        connection.execute(sql.SQL("drop {} {}").format(sql.SQL("view" if is_view else "function"), sql.SQL(name)))
    for statement in statements(layer):
        connection.execute(statement)
    return True
