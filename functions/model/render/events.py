"""Statements that store clickstream events in the vault and count them. Rendered from the model."""

from psycopg import sql

from functions.common.sql_files import read_sql
from functions.model.declaration import Column, Model
from functions.model.render.hash_keys import HASH_VERSION, digest, key_of

RECORD_SOURCE = -1
"""What the vault's rows say they come from: the clickstream, which has no file."""

_EVENT_KEYS = {
    "event_id": Column(type="text", required=True),
    "customer_id": Column(type="text", required=True),
    "product_id": Column(type="text"),
}
_MARTS = {
    "hub_customer": ("mart_customer_360", ("total_orders", "lifetime_value")),
    "hub_product": ("mart_product_analytics", ("total_sold", "total_quantity", "revenue")),
}
"""Hub -> the mart that gets a row for each new key, and the columns that are zero in it."""


def render_events(model: Model) -> tuple[sql.Composable, ...]:
    """The statements that store what stands in incoming_event, in the order of the locks they take.

    The first keeps the events that are new, in fresh_event; the others read them there.
    """
    origin = {"source": sql.Literal(RECORD_SOURCE), "version": sql.Literal(HASH_VERSION)}
    fresh = read_sql("stream/keep_fresh.sql").format(
        link_key=digest(("event_id",), _EVENT_KEYS),
        customer_key=key_of(model, "hub_customer", _EVENT_KEYS),
        product_key=key_of(model, "hub_product", _EVENT_KEYS),
    )
    hubs = [
        read_sql("stream/hub.sql").format(
            hub=sql.Identifier("raw_vault", name),
            hash_key=sql.Identifier(model.hubs[name].hash_key),
            business_key=sql.Identifier(model.hubs[name].business_key),
            mart=sql.Identifier("business_vault", mart),
            zeros=sql.SQL(", ").join(map(sql.Identifier, zeros)),
            zero_values=sql.SQL(", ").join([sql.SQL("0")] * len(zeros)),
            **origin,
        )
        for name, (mart, zeros) in _MARTS.items()
    ]
    link = read_sql("stream/link.sql").format(**origin)
    return (fresh, *hubs, link, read_sql("stream/real_time_metrics.sql"), read_sql("stream/live_activity.sql"))
