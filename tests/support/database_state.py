"""What the database holds, in forms that can be compared."""

from typing import Any, Protocol

import psycopg

from tests.support.night import BUCKET, Night
from tests.support.oracle import Marts

type Dump = dict[str, list[str]]

_KEYS = {
    "hub_customer": ("customer_hash_key", "customer_id"),
    "hub_order": ("order_hash_key", "transaction_id"),
}
WRITTEN_BY_MIGRATIONS = (
    "metadata.migration",
    "metadata.retention",
    "metadata.column_class",
    "metadata.lock",
    "metadata.reporting",
    "metadata.share_key",
)
TRACKING = "raw_vault.record_tracking_satellite"
_CANONICAL = "(to_jsonb(t) - 'loaded_at' - 'record_source')::text || coalesce(' of ' || o.object_key, '')"


class Readable(Protocol):
    """What answers the administrator's queries: a night, a platform."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a query."""


def published(database: Readable) -> Marts:
    """The views, as people and applications read them."""
    return Marts(
        customers=database.rows(
            'select * from business_vault.vw_customer_360_published order by customer_id collate "C"'
        ),
        products=database.rows('select * from business_vault.vw_product_analytics order by product_id collate "C"'),
        lines=database.rows(
            "select * from business_vault.vw_order_analytics"
            ' order by transaction_id collate "C", line_number, product_id collate "C"'
        ),
    )


def tables(night: Night, *schemas: str) -> list[str]:
    """The tables of the schemas, as schema.name; a partitioned one stands for its partitions."""
    return [
        f"{row[0]}.{row[1]}"
        for row in night.rows(
            "select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'p') and not c.relispartition order by 1, 2"
        )
        if row[0] in schemas
    ]


def everything(night: Night) -> Dump:
    """Every value of vault and marts, ordered: equal dumps are byte-identical tables.

    What record tracking remembers is left out: a file that changes nothing is an observation all the same.
    """
    rows: Dump = {table: [] for table in tables(night, "raw_vault", "business_vault") if table != TRACKING}
    each = (f"select '{table}' as name, t::text as shown from {table} as t" for table in rows)
    for table, row in night.rows(" union all ".join(each)):
        rows[table].append(row)
    return {table: sorted(shown) for table, shown in rows.items()}


def canonical(night: Night) -> Dump:
    """Vault and marts without when they were loaded, files by their keys: comparable between two databases."""
    dump = {}
    for table in tables(night, "raw_vault"):
        origin = "left join metadata.object_version as o on o.object_id = t.record_source"
        dump[table] = sorted(row[0] for row in night.rows(f"select {_CANONICAL} from {table} as t {origin}"))
    for table in tables(night, "business_vault"):
        pointers = "'{record_source, details_record_source, customer_record_source, status_record_source}'::text[]"
        dump[table] = sorted(row[0] for row in night.rows(f"select (to_jsonb(t) - {pointers})::text from {table} as t"))
    return dump


def empty(night: Night) -> Night:
    """The night, with nothing in its database and its bucket; takes a tenth of the time of a new database."""
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("set session_replication_role = replica")  # in any order of foreign keys
        for name in tables(night, "raw_vault", "business_vault", "staging", "metadata"):
            if name not in WRITTEN_BY_MIGRATIONS:
                kept = " where record_source <> 0" if ".hub_" in name else ""  # zero keys
                connection.execute(f"delete from {name}{kept}".encode())
        for (part,) in connection.execute(
            "select inhrelid::regclass::text from pg_inherits where inhparent::regclass::text like 'staging.%'"
        ).fetchall():
            connection.execute(f"drop table {part}".encode())
    for version in night.s3.list_object_versions(Bucket=BUCKET).get("Versions", []):
        night.s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    return night


def versions(night: Night, satellite: str, hub: str, *columns: str) -> list[tuple[object, ...]]:
    """The versions of a satellite, with their business key, in the order in which they were in force."""
    key, business_key = {
        "hub_customer": ("customer_hash_key", "customer_id"),
        "hub_order": ("order_hash_key", "transaction_id"),
        "hub_product": ("product_hash_key", "product_id"),
    }[hub]
    return night.rows(
        f"select h.{business_key}, {', '.join(f's.{column}' for column in columns)}"
        f" from raw_vault.{satellite} as s join raw_vault.{hub} as h using ({key})"
        " join metadata.object_position as p on p.object_id = s.record_source"
        f' order by h.{business_key} collate "C", p.position, s.record_row'
    )


def quarantined(night: Night) -> dict[str, list[tuple[int, list[str]]]]:
    """Key below landing/ -> (row number, reasons) of its rejected rows."""
    rows: dict[str, list[tuple[int, list[str]]]] = {}
    for key, row_number, reasons in night.rows(
        "select o.object_key, q.row_number, q.reasons from metadata.quarantine as q"
        " join metadata.object_version as o using (object_id) order by 1, 2"
    ):
        rows.setdefault(key.removeprefix("landing/"), []).append((row_number, reasons))
    return rows
