"""Which keys a statement of sql/marts is about: all that the vault holds, or the touched ones; and how it finds them.

Of many keys the satellites are read whole and sorted; of few, each key is looked up in its satellites' primary keys.
"""

from dataclasses import dataclass
from functools import cache

from psycopg import sql

from functions.common.sql_files import read_sql
from functions.model.reading import load_model
from functions.model.version_order import LATEST_FIRST, PLACE, STATUS_LATEST_FIRST

FEW_KEYS = 10_000

_TOUCHED = {
    "hub_order": "touched_order",
    "link_order_product": "touched_line",
    "hub_product": "touched_product",
    "hub_customer": "touched_customer",
}
"""Hub or link -> the temporary table of its touched keys."""

# `not in`: PostgreSQL expects an anti join with these few objects to leave one row (migration 0016).
_READ_WHOLE = """select distinct on (s.{key}) s.*
    from raw_vault.{satellite} as s
    {join}
    join metadata.object_version as o on o.object_id = s.record_source
    where s.record_source not in (select u.object_id from metadata.uncounted_object as u)
    order by s.{key}, {latest_first}"""

_READ_WHOLE_STATUS = """select distinct on (s.{key}) s.*
    from raw_vault.{satellite} as s
    {join}
    where s.effective_at <= (select i.in_force_at from metadata.mart_instant as i)
    order by s.{key}, {latest_first}"""

_LOOK_UP = """select s.*
    from {touched} as t
    cross join (select in_force_at from metadata.mart_instant limit 1) as i  -- planned as one row
    cross join lateral raw_vault.{as_of}(t.{key}, i.in_force_at, 'infinity') as s"""

# From the orders `t` to every customer that each has ever had, `owner`.
_OWNERS_LOOKED_UP = sql.SQL("""cross join lateral (
    select l.customer_hash_key
    from raw_vault.sat_customer_order_effectivity as e
    join raw_vault.link_customer_order as l on l.link_hash_key = e.link_hash_key
    where e.order_hash_key = t.order_hash_key
    offset 0
) as owner""")
_OWNERS_READ_WHOLE = sql.SQL("""join raw_vault.sat_customer_order_effectivity as e
    on e.order_hash_key = t.order_hash_key
join raw_vault.link_customer_order as owner on owner.link_hash_key = e.link_hash_key""")

_NO_JOIN = sql.SQL("")
_JOINS = {
    "touched_line": sql.SQL("join touched_line using (link_hash_key)"),
    "of_touched_product": sql.SQL("join touched_product as t on t.product_hash_key = h.product_hash_key"),
    "of_touched_customer": sql.SQL("join touched_customer as t on t.customer_hash_key = h.customer_hash_key"),
    "lines_of_touched_order": sql.SQL("join touched_order as t on t.transaction_id = m.transaction_id"),
    "bought_by_touched_customer": sql.SQL("join touched_customer as t on t.customer_id = m.customer_id"),
    "sold_of_touched_product": sql.SQL("join touched_product as t on t.product_id = m.product_id"),
}
_EVERY_LINE = sql.SQL("select product_id, 1 as sold, quantity, total_amount from business_vault.mart_order_line")
_LINE_CHANGES = sql.SQL(
    "select product_id, 1 as sold, quantity, total_amount"
    " from business_vault.mart_order_line join touched_order using (transaction_id)"
    " union all select product_id, -1, -quantity, -total_amount from replaced_line"
    " union all select product_id, total_sold, total_quantity, revenue from replaced_product"
)


@cache
def satellites() -> dict[str, str]:
    """The satellites that marts are made of -> the temporary table of the touched ones of their keys."""
    model = load_model()
    owners = {name: each.driving_key or each.parent for name, each in model.satellites.items()}
    return {name: _TOUCHED[owner] for name, owner in owners.items() if owner in _TOUCHED}


@dataclass(frozen=True)
class Scope:
    """All keys (`touched` is None), or the so many touched ones of the temporary tables touched_…."""

    touched: int | None = None

    @property
    def is_few(self) -> bool:
        """Whether looking up each key is less work than reading whole tables."""
        return self.touched is not None and self.touched <= FEW_KEYS

    @property
    def owners(self) -> sql.SQL:
        """The join from orders `t` to all customers `owner` they have had."""
        return _OWNERS_LOOKED_UP if self.is_few else _OWNERS_READ_WHOLE

    def statement(self, mart: str) -> sql.Composed:
        """The statement that fills the mart for these keys."""
        in_force = {name: self._in_force(name) for name in satellites()}
        sales = _EVERY_LINE if self.touched is None else _LINE_CHANGES
        return read_sql(f"marts/{mart.removeprefix('mart_')}.sql").format(**self._joins(), **in_force, sales=sales)

    def reconciliation(self) -> sql.Composed:
        """The statement that compares what the marts hold of these keys with what it was made of."""
        return read_sql("marts/reconcile.sql").format(**self._joins(), place=PLACE)

    def _joins(self) -> dict[str, sql.SQL]:
        """What restricts a table to the touched keys."""
        return {name: _NO_JOIN if self.touched is None else join for name, join in _JOINS.items()}

    def _in_force(self, satellite: str) -> sql.Composed:
        """The row of each key that is in force last."""
        key, touched = load_model().satellite_key(satellite), satellites()[satellite]
        if self.is_few:
            return sql.SQL(_LOOK_UP).format(
                touched=sql.Identifier(touched),
                as_of=sql.Identifier(f"{satellite}_as_of"),
                key=sql.Identifier(key),
            )
        join = sql.SQL("join {} as t on t.{} = s.{}").format(
            sql.Identifier(touched), sql.Identifier(key), sql.Identifier(key)
        )
        is_status = load_model().satellites[satellite].status_of is not None
        return sql.SQL(_READ_WHOLE_STATUS if is_status else _READ_WHOLE).format(
            satellite=sql.Identifier(satellite),
            key=sql.Identifier(key),
            join=_NO_JOIN if self.touched is None else join,
            latest_first=STATUS_LATEST_FIRST if is_status else LATEST_FIRST,
        )
