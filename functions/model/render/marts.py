"""Which keys a statement of sql/marts is about: all that the vault holds, or the touched ones; and how it finds them.

Of all keys the satellites are read whole, by several processes where they are large; of many, they are read whole and
sorted; of few, each key is looked up in its satellites' primary keys.
"""

from dataclasses import dataclass
from functools import cache

from psycopg import sql

from functions.common.sql_files import read_sql
from functions.model.reading import load_model
from functions.model.version_order import STATUS_LATEST_FIRST

FEW_KEYS = 10_000
ALWAYS_FEW_KEYS = 1_000
"""So few are looked up in any mart; more only where the mart has ten times as many."""

_TOUCHED = {
    "hub_order": "touched_order",
    "link_order_product": "touched_line",
    "hub_product": "touched_product",
    "hub_customer": "touched_customer",
}
"""Hub or link -> the temporary table of its touched keys."""

# Where one object counts, each key has one version.
_ALL_OF_ONE_OBJECT = """select s.*
    from raw_vault.{satellite} as s
    where s.record_source = (select o.object_id from staging.counted_object as o where o.source = {source})"""

# No `distinct on`, which only one process can do. No version of a source's first object comes after another.
_LAST_OF_ALL = """select s.*
    from raw_vault.{satellite} as s
    join staging.counted_object as o on o.object_id = s.record_source
    where not exists (
        select
        from raw_vault.{satellite} as later
        join staging.counted_object as p on p.object_id = later.record_source
        where
            later.{key} = s.{key}
            and p.place > (select min(first.place) from staging.counted_object as first where first.source = {source})
            and (p.place > o.place or (p.place = o.place and later.record_row > s.record_row))
    )"""

_LAST_STATUS_OF_ALL = """select s.*
    from raw_vault.{satellite} as s
    where s.effective_at <= (select i.in_force_at from metadata.mart_instant as i)
        and not exists (
            select
            from raw_vault.{satellite} as later
            where
                later.{key} = s.{key}
                and later.effective_at <= (select i.in_force_at from metadata.mart_instant as i)
                and (later.effective_at, later.loaded_at) > (s.effective_at, s.loaded_at)
        )"""

_LAST_OF_MANY = """select distinct on (s.{key}) s.*
    from raw_vault.{satellite} as s
    join {touched} as t on t.{key} = s.{key}
    join staging.counted_object as o on o.object_id = s.record_source
    order by s.{key}, o.place desc, s.record_row desc"""

_LAST_STATUS_OF_MANY = """select distinct on (s.{key}) s.*
    from raw_vault.{satellite} as s
    join {touched} as t on t.{key} = s.{key}
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
    "of_touched_order": sql.SQL("join touched_order as t on t.order_hash_key = p.order_hash_key"),
    "of_touched_product": sql.SQL("join touched_product as t on t.product_hash_key = h.product_hash_key"),
    "of_touched_customer": sql.SQL("join touched_customer as t on t.customer_hash_key = h.customer_hash_key"),
    "lines_of_touched_order": sql.SQL("join touched_order as t on t.transaction_id = m.transaction_id"),
    "bought_by_touched_customer": sql.SQL("join touched_customer as t on t.customer_id = m.customer_id"),
    "sold_of_touched_product": sql.SQL("join touched_product as t on t.product_id = m.product_id"),
}
_OWN_NUMBER = sql.SQL("coalesce(p.line_number, 1)")
_COUNTED_NUMBER = sql.SQL("coalesce(counted.line_number, p.line_number, 1)")
_COUNTED_LINES = sql.SQL("left join line_number as counted on counted.link_hash_key = p.link_hash_key")

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
    """All keys (`touched` is None), or the so many touched ones of the temporary tables touched_….

    `of`: how many rows the mart has; None: not known. `of_one_object`: sources of which only one object counts.
    """

    touched: int | None = None
    of: int | None = None
    of_one_object: frozenset[str] = frozenset()

    @property
    def is_few(self) -> bool:
        """Whether looking up each key is less work than reading whole tables."""
        if self.touched is None or self.touched > FEW_KEYS:
            return False
        return self.of is None or self.touched <= ALWAYS_FEW_KEYS or 10 * self.touched <= self.of

    @property
    def owners(self) -> sql.SQL:
        """The join from orders `t` to all customers `owner` they have had."""
        return _OWNERS_LOOKED_UP if self.is_few else _OWNERS_READ_WHOLE

    def statement(self, mart: str, *, has_repeated_products: bool = False) -> sql.Composed:
        """The query for the mart's rows of these keys, in the order of its primary key.

        `has_repeated_products`: the temporary table line_number has the numbers of lines that have none of their own.
        """
        return read_sql(f"marts/{mart.removeprefix('mart_')}.sql").format(
            **self._joins(),
            **self._in_force(),
            sales=_EVERY_LINE if self.touched is None else _LINE_CHANGES,
            # of these two the planner knows how many there are, of all joins together it does not
            planned_alone=_NO_JOIN if self.touched is None else sql.SQL("offset 0"),
            line_number=_COUNTED_NUMBER if has_repeated_products else _OWN_NUMBER,
            numbered=_COUNTED_LINES if has_repeated_products else _NO_JOIN,
        )

    def repeated_products(self) -> sql.Composed:
        """The statement that makes the temporary table repeated_product."""
        return read_sql("marts/repeated_product.sql").format(**self._joins())

    def line_numbers(self) -> sql.Composed:
        """The statement that makes the temporary table line_number of the repeated products."""
        return read_sql("marts/line_number.sql").format(**self._in_force())

    def reconciliation(self) -> sql.Composed:
        """The statement that compares what the marts hold of these keys with what it was made of."""
        return read_sql("marts/reconcile.sql").format(**self._joins())

    def _joins(self) -> dict[str, sql.SQL]:
        """What restricts a table to the touched keys."""
        return {name: _NO_JOIN if self.touched is None else join for name, join in _JOINS.items()}

    def _in_force(self) -> dict[str, sql.Composed]:
        """Satellite -> the row of each key that is in force last."""
        return {name: self._last(name) for name in satellites()}

    def _last(self, satellite: str) -> sql.Composed:
        declared = load_model().satellites[satellite]
        is_status = declared.status_of is not None
        if self.touched is None and is_status:
            text = _LAST_STATUS_OF_ALL
        elif self.touched is None:
            text = _ALL_OF_ONE_OBJECT if declared.source in self.of_one_object else _LAST_OF_ALL
        elif self.is_few:
            text = _LOOK_UP
        else:
            text = _LAST_STATUS_OF_MANY if is_status else _LAST_OF_MANY
        return sql.SQL(text).format(
            satellite=sql.Identifier(satellite),
            as_of=sql.Identifier(f"{satellite}_as_of"),
            key=sql.Identifier(load_model().satellite_key(satellite)),
            touched=sql.Identifier(satellites()[satellite]),
            source=declared.source,
            latest_first=STATUS_LATEST_FIRST,
        )
