"""Store a batch: a dozen set-based statements in the caller's transaction, each event counted once in all its life.

Every transaction takes its locks in one order: tables as they stand here, rows by key. So batches of different
partitions that touch the same customers wait for each other and never deadlock.
"""

from dataclasses import dataclass
from functools import cache

from psycopg import sql

from functions.common.database import Connection
from functions.model.declaration import Column
from functions.model.reading import load_model
from functions.model.row_expressions import HASH_VERSION, digest, key_of
from functions.stream.batch import Batch

RECORD_SOURCE = -1
"""What the vault's rows say they come from: the clickstream, which has no file."""

_INCOMING = """
create temp table if not exists incoming_event (
    event_id text not null,
    event_type text not null,
    customer_id text not null,
    occurred_at timestamptz not null,
    product_id text,
    amount numeric,
    session_id text,
    properties jsonb,
    topic text not null,
    kafka_partition integer not null,
    kafka_offset bigint not null
) on commit delete rows
"""

_FRESH = """
create temp table if not exists fresh_event (
    link_hash_key bytea not null,
    customer_hash_key bytea not null,
    product_hash_key bytea not null,
    event_id text not null,
    event_type text not null,
    customer_id text not null,
    occurred_at timestamptz not null,
    product_id text,
    amount numeric,
    session_id text,
    properties jsonb,
    kafka_offset bigint not null
) on commit delete rows
"""

_COPY = """
copy incoming_event (
    event_id, event_type, customer_id, occurred_at, product_id, amount, session_id, properties,
    topic, kafka_partition, kafka_offset
) from stdin
"""

# The first of several messages with one id is the event, whatever the others say.
_KEEP_FRESH = sql.SQL("""
with hashed as (
    select
        {link_key} as link_hash_key,
        {customer_key} as customer_hash_key,
        {product_key} as product_hash_key,
        event_id, event_type, customer_id, occurred_at, product_id, amount, session_id, properties,
        topic, kafka_partition, kafka_offset
    from incoming_event
), arrived as materialized (
    select distinct on (link_hash_key) *
    from hashed
    order by link_hash_key, topic, kafka_partition, kafka_offset
), fresh as (
    insert into metadata.event_id (link_hash_key, loaded_at)
    select link_hash_key, now() from arrived order by link_hash_key
    on conflict do nothing
    returning link_hash_key
)
insert into fresh_event (
    link_hash_key, customer_hash_key, product_hash_key, event_id, event_type, customer_id, occurred_at, product_id,
    amount, session_id, properties, kafka_offset
)
select
    a.link_hash_key, a.customer_hash_key, a.product_hash_key, a.event_id, a.event_type, a.customer_id, a.occurred_at,
    a.product_id, a.amount, a.session_id, a.properties, a.kafka_offset
from arrived as a
join fresh as f using (link_hash_key)
""")

# `offset 0` has the hub asked by its index, key by key, however large it is. A profile is made only by who made the
# hub's row, so it never meets the load's publishing, which makes the others'.
_HUB = sql.SQL("""
with unknown as (
    select distinct on ({hash_key}) {hash_key}, {business_key}, kafka_offset
    from fresh_event as e
    where
        {business_key} is not null
        and not exists (select from {hub} as h where h.{hash_key} = e.{hash_key} offset 0)
    order by {hash_key}, kafka_offset
), added as (
    insert into {hub} ({hash_key}, {business_key}, loaded_at, record_source, record_row, hash_version)
    select {hash_key}, {business_key}, now(), {source}, kafka_offset, {version} from unknown order by {hash_key}
    on conflict do nothing
    returning {hash_key}
)
insert into {mart} ({business_key}, {zeros})
select u.{business_key}, {zero_values}
from unknown as u
join added as a using ({hash_key})
order by u.{business_key}
on conflict do nothing
""")

_LINK = sql.SQL("""
insert into raw_vault.link_customer_event (
    link_hash_key, customer_hash_key, product_hash_key, event_id, event_type, occurred_at, amount, session_id,
    properties, loaded_at, record_source, record_row, hash_version
)
select
    link_hash_key, customer_hash_key, product_hash_key, event_id, event_type, occurred_at, amount, session_id,
    properties, now(), {source}, kafka_offset, {version}
from fresh_event
""")

_METRICS = """
insert into business_vault.real_time_metrics as m (
    customer_id, event_type, event_count, last_event_time, total_purchase_amount
)
select
    customer_id, event_type, count(*), max(occurred_at),
    coalesce(sum(amount) filter (where event_type = 'purchase'), 0)
from fresh_event
group by customer_id, event_type
order by customer_id, event_type
on conflict (customer_id, event_type) do update set
    event_count = m.event_count + excluded.event_count,
    last_event_time = greatest(m.last_event_time, excluded.last_event_time),
    total_purchase_amount = m.total_purchase_amount + excluded.total_purchase_amount
"""

# Of events at the same instant the greater value wins, so that the order of delivery does not matter.
_ACTIVITY = """
insert into business_vault.live_activity as a (
    customer_id, customer_hash_key, last_seen_at, last_event_type, last_session_at, last_session_id,
    last_product_at, last_product_id
)
select
    customer_id,
    min(customer_hash_key),
    max(occurred_at),
    (array_agg(event_type order by occurred_at desc, event_type desc))[1],
    max(occurred_at) filter (where session_id is not null),
    (array_agg(session_id order by occurred_at desc, session_id desc) filter (where session_id is not null))[1],
    max(occurred_at) filter (where product_id is not null),
    (array_agg(product_id order by occurred_at desc, product_id desc) filter (where product_id is not null))[1]
from fresh_event
group by customer_id
order by customer_id
on conflict (customer_id) do update set
    last_seen_at = greatest(a.last_seen_at, excluded.last_seen_at),
    last_event_type = case
        when (excluded.last_seen_at, excluded.last_event_type) > (a.last_seen_at, a.last_event_type)
            then excluded.last_event_type
        else a.last_event_type
    end,
    last_session_at = greatest(a.last_session_at, excluded.last_session_at),
    last_session_id = case
        when a.last_session_at is null
            or (excluded.last_session_at, excluded.last_session_id) > (a.last_session_at, a.last_session_id)
            then excluded.last_session_id
        else a.last_session_id
    end,
    last_product_at = greatest(a.last_product_at, excluded.last_product_at),
    last_product_id = case
        when a.last_product_at is null
            or (excluded.last_product_at, excluded.last_product_id) > (a.last_product_at, a.last_product_id)
            then excluded.last_product_id
        else a.last_product_id
    end
"""

_TOTAL = """
insert into business_vault.event_total as t (
    event_type, kafka_partition, event_count, last_event_time, total_purchase_amount
)
select
    event_type, %s, count(*), max(occurred_at), coalesce(sum(amount) filter (where event_type = 'purchase'), 0)
from fresh_event
group by event_type
order by event_type
on conflict (event_type, kafka_partition) do update set
    event_count = t.event_count + excluded.event_count,
    last_event_time = greatest(t.last_event_time, excluded.last_event_time),
    total_purchase_amount = t.total_purchase_amount + excluded.total_purchase_amount
"""

_DEAD_LETTERS = """
insert into metadata.dead_letter (
    topic, kafka_partition, kafka_offset, kafka_timestamp, raw, raw_sha256, reasons
)
values (%s, %s, %s, to_timestamp(%s::double precision / 1000), %s, %s, %s)
on conflict (topic, kafka_partition, kafka_offset, raw_sha256) do nothing
"""

_OFFSETS = """
insert into metadata.stream_offset as o (topic, kafka_partition, next_offset, loaded_at)
values (%s, %s, %s, now())
on conflict (topic, kafka_partition) do update set
    next_offset = greatest(o.next_offset, excluded.next_offset),
    loaded_at = excluded.loaded_at
"""


@dataclass(frozen=True)
class Merged:
    """What came of a batch: `stored` events are new, `repeated` ones were known, `dead` messages are none."""

    stored: int = 0
    repeated: int = 0
    dead: int = 0

    def __add__(self, other: "Merged") -> "Merged":
        return Merged(self.stored + other.stored, self.repeated + other.repeated, self.dead + other.dead)


def merge(connection: Connection, batch: Batch) -> Merged:
    """Store events, aggregates, dead letters and offsets in the caller's transaction. Again: changes nothing.

    One batch a transaction: the tables that it arrives in are emptied by the commit. Raises psycopg.DataError when a
    value is one that the database cannot hold after all.
    """
    stored = _merge_events(connection, batch) if batch.events else 0
    dead = 0
    with connection.cursor() as cursor:
        for letter in sorted(batch.dead_letters, key=lambda each: (each.position.topic, each.position.partition)):
            at = letter.position
            row = (at.topic, at.partition, at.offset, letter.timestamp, letter.raw, letter.sha256, list(letter.reasons))
            dead += cursor.execute(_DEAD_LETTERS, row).rowcount
        for end in batch.next_offsets:
            cursor.execute(_OFFSETS, (end.topic, end.partition, end.offset))
    return Merged(stored, len(batch.events) - stored, dead)


def _merge_events(connection: Connection, batch: Batch) -> int:
    connection.execute(_INCOMING)
    connection.execute(_FRESH)
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for placed in batch.events:
            event, position = placed.event, placed.position
            copy.write_row(
                (
                    event.event_id,
                    event.event_type,
                    event.customer_id,
                    event.occurred_at.isoformat(),
                    event.product_id or None,
                    None if event.amount is None else str(event.amount),
                    event.session_id or None,
                    placed.properties,
                    position.topic,
                    position.partition,
                    position.offset,
                )
            )
    statements = _statements()
    stored = connection.execute(statements[0]).rowcount
    if stored:
        for statement in statements[1:]:
            connection.execute(statement)
        connection.execute(_TOTAL, (min(placed.position.partition for placed in batch.events),))
    return stored


@cache
def _statements() -> tuple[bytes, ...]:
    """In the order of the locks they take."""
    model = load_model()
    text = {name: Column(type="text", required=True) for name in ("event_id", "customer_id")}
    text["product_id"] = Column(type="text")
    fresh = _KEEP_FRESH.format(
        link_key=digest(("event_id",), text),
        customer_key=key_of(model, "hub_customer", text),
        product_key=key_of(model, "hub_product", text),
    )
    marts = {
        "hub_customer": ("mart_customer_360", ("total_orders", "lifetime_value")),
        "hub_product": ("mart_product_analytics", ("total_sold", "total_quantity", "revenue")),
    }
    hubs = [
        _HUB.format(
            hub=sql.Identifier("raw_vault", name),
            hash_key=sql.Identifier(model.hubs[name].hash_key),
            business_key=sql.Identifier(model.hubs[name].business_key),
            mart=sql.Identifier("business_vault", mart),
            zeros=sql.SQL(", ").join(map(sql.Identifier, zeros)),
            zero_values=sql.SQL(", ").join([sql.SQL("0")] * len(zeros)),
            source=sql.Literal(RECORD_SOURCE),
            version=sql.Literal(HASH_VERSION),
        )
        for name, (mart, zeros) in marts.items()
    ]
    link = _LINK.format(source=sql.Literal(RECORD_SOURCE), version=sql.Literal(HASH_VERSION))
    statements = (fresh, *hubs, link, sql.SQL(_METRICS), sql.SQL(_ACTIVITY))
    return tuple(statement.as_bytes(None) for statement in statements)
