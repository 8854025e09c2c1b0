"""Collections as data: what one holds, how it may be sorted, and the one statement that answers a page of it.

A page's items, its total and the watermark are of one instant; a list as of an instant is not counted, and its page
looks at `AS_OF_KEYS` keys at most. PostgreSQL writes the items' JSON; numbers of type numeric arrive in it digit for
digit. Whether a page is reached by `skip` or by cursor, its items are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import LiteralString, get_args

from psycopg import sql

from functions.api.answers import Answer, Item
from functions.api.paging.cache import WATERMARK
from functions.model.classification import MASK, classification

AS_OF_KEYS = 1_000
"""Keys of whose history a page as of an instant is made, also where few of them are what the caller looks for."""

_PAGE = sql.SQL("""
{window}
select
    ({watermark}),
    array_to_string((array_agg(row_to_json(item)::text))[:{limit}], ','),
    case when count(*) > {limit} then array[{cursor}] {else_after} end,
    {total},
    {exists},
    least(count(*), {limit})
from (
    select {names}
    from (
        select *
        from {relation} as item
        where {condition}
        order by {order}
        limit {limit} + 1
        offset {skip}
    ) as item
) as page
cross join lateral (select {columns}) as item
""")
_ITEMS = sql.SQL("""
select {key}, (select row_to_json(shown)::text from (select {columns}) as shown)
from {relation} as item
where {key} = any(%(keys)s)
""")
_WINDOW = sql.SQL("""
with looked_at as materialized (
    select max(key) as highest, min(key) as lowest, count(*) = {most} as is_cut
    from (
        select {key} as key
        from {hub} as item
        where {key} is not null and {after}
        order by {key}{direction}
        limit {most}
    ) as window_of_keys
)
""")
_TOTAL = sql.SQL("(select count(*) from {relation} as item where {condition})")
_KEPT_TOTAL = sql.SQL("coalesce((select rows from metadata.mart_publication where mart = {mart}), {counted})")
_TRUE = sql.SQL("true")
_NULL = sql.SQL("null::bigint")
_NOTHING = sql.SQL("")
_ENDS: Mapping[LiteralString, tuple[LiteralString, LiteralString]] = {
    "text": ("''", "''"),  # after the number's end
    "bigint": ("'-9223372036854775808'", "'9223372036854775807'"),
}
"""By the type of a key's further columns, as text: what stands before and after all of them."""


@dataclass(frozen=True)
class Sort:
    """A column, or an expression that is never null, to sort by, and its PostgreSQL type."""

    expression: LiteralString
    type: LiteralString = "text"


@dataclass(frozen=True)
class Collection:
    """A list of `model` objects from `relation`, in whose order `key` decides between equals.

    `relation` and `as_of` (the same as it was, with %(as_of)s and %(known_at)s, of `model_as_of` objects) are what
    stands after FROM. `hub`, the table of the first key column's values, has pages as of an instant bounded;
    `whole_as_of` returns the same as `as_of` and is read where a page needs all of it. `exists`, where given, says
    whether what the list hangs on exists. `mart`: the mart that is listed, whose number of rows is kept; without one
    the list is no published mart's.
    """

    model: type[Item]
    relation: sql.Composable
    key: tuple[Sort, ...]
    sorts: Mapping[str, Sort] = field(default_factory=dict)
    as_of: sql.Composable | None = None
    model_as_of: type[Item] | None = None
    hub: sql.Composable | None = None
    whole_as_of: sql.Composable | None = None
    exists: LiteralString | None = None
    mart: str | None = None

    def order(self, sort: str) -> tuple[Sort, ...]:
        """The columns that the list is sorted by under `sort`, a name or `-name`; together they are unique."""
        chosen = self.sorts.get(sort.removeprefix("-"))
        return self.key if chosen is None else (chosen, *(each for each in self.key if each != chosen))

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"Collection of {self.model.__name__}"


def view(name: str) -> sql.Composable:
    """A view of the business vault."""
    return sql.Identifier("business_vault", name)


def hub(name: str) -> sql.Composable:
    """A hub of the raw vault."""
    return sql.Identifier("raw_vault", name)


def as_of_function(name: str) -> sql.Composable:
    """A call of the business vault's function that answers as of two instants."""
    return sql.SQL("{}(%(as_of)s::timestamptz, %(known_at)s::timestamptz)").format(view(name))


@dataclass(frozen=True)
class Selection:
    """What a caller asks of a collection, apart from values: decides the statement's text.

    `limit` stands in the text, since PostgreSQL plans anew, each time, what it cannot foresee the length of.
    """

    collection: Collection
    fields: tuple[str, ...]
    masked: bool
    sort: str
    conditions: tuple[LiteralString, ...] = ()
    after_cursor: bool = False
    as_of: bool = False
    whole: bool = False
    counted: bool = True
    limit: int = 100
    skips: bool = False

    @cached_property
    def uncounted(self) -> "Selection":
        """The same, of a list whose length is known."""
        return replace(self, counted=False)

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, each.name) for each in fields(self)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def model(self) -> type[Item]:
        """What the items are."""
        return (self.collection.model_as_of or self.collection.model) if self.as_of else self.collection.model

    @property
    def in_key_order(self) -> bool:
        """Whether the list is sorted by its key, in either direction."""
        return self.collection.order(self.sort) == self.collection.key


def _is_amount(annotation: object) -> bool:
    return annotation is Decimal or any(_is_amount(part) for part in get_args(annotation))


def _is_text(annotation: object) -> bool:
    return annotation is str or str in get_args(annotation)


def columns(model: type[Answer], fields: tuple[str, ...] = (), *, masked: bool) -> sql.Composable:
    """The columns named like `fields`, or all of the model's: amounts with two decimals or more, none lost;
    with `masked`, personal values hidden."""
    return sql.SQL(", ").join(_column(model, name, masked=masked) for name in fields or model.model_fields)


def _column(model: type[Answer], name: str, *, masked: bool) -> sql.Composable:
    annotation = model.model_fields[name].annotation
    column = sql.Identifier(name)
    if masked and classification().hides(name, is_text=_is_text(annotation)):
        if not _is_text(annotation):
            return sql.SQL("null as {}").format(column)
        return sql.SQL("case when {0} is not null then {1} end as {0}").format(column, sql.Literal(MASK))
    if _is_amount(annotation):
        return sql.SQL(
            "case scale({0}) when 2 then {0} else round({0}, greatest(2, min_scale({0}))) end as {0}"
        ).format(column)
    return column


def _after(order: tuple[Sort, ...], *, descending: bool) -> sql.Composable:
    given = [sql.SQL("{}::" + each.type).format(sql.Placeholder(f"after_{n}")) for n, each in enumerate(order)]
    # the first column by itself: of a list as it was, only that is a table's, which an index finds
    return sql.SQL("{} {} {} and ({}) {} ({})").format(
        sql.SQL(order[0].expression),
        sql.SQL("<=" if descending else ">="),
        given[0],
        sql.SQL(", ").join(sql.SQL(each.expression) for each in order),
        sql.SQL("<" if descending else ">"),
        sql.SQL(", ").join(given),
    )


@lru_cache(maxsize=512)
def page_statement(selection: Selection) -> bytes:
    """The statement that returns one row: watermark, items, last item's sort values if more follow, total, exists, and
    how many items.

    Its parameters are `skip` if it skips, those of the conditions, `after_0`, … of a cursor, and the two of as-of.
    """
    collection = selection.collection
    order = collection.order(selection.sort)
    descending = selection.sort.startswith("-")
    direction = sql.SQL(" desc") if descending else sql.SQL("")
    relation = _relation(selection)
    is_windowed = selection.as_of and not selection.whole and collection.hub is not None
    filters = sql.SQL(" and ").join([_TRUE, *map(sql.SQL, selection.conditions)])
    condition = filters
    if selection.after_cursor:
        condition = sql.SQL("{} and {}").format(filters, _after(order, descending=descending))
    if is_windowed:
        condition = sql.SQL("{} and {}").format(condition, _within_window(collection, descending=descending))
    names = dict.fromkeys(selection.fields or selection.model.model_fields)
    limit = sql.Literal(selection.limit)
    return _PAGE.format(
        limit=limit,
        skip=sql.Placeholder("skip") if selection.skips else sql.Literal(0),
        window=_window(selection, descending=descending) if is_windowed else _NOTHING,
        else_after=_end_of_window(collection, descending=descending) if is_windowed else _NOTHING,
        names=sql.SQL(", ").join(
            [
                *map(sql.Identifier, names),
                *(sql.SQL("({})::text as {}").format(sql.SQL(each.expression), sql.Identifier(f"#{n}"))
                  for n, each in enumerate(order)),
            ]
        ),
        columns=columns(selection.model, selection.fields, masked=selection.masked),
        relation=relation,
        condition=condition,
        order=sql.SQL(", ").join(sql.SQL("{}{}").format(sql.SQL(each.expression), direction) for each in order),
        cursor=sql.SQL(", ").join(
            sql.SQL("(array_agg({}))[{}]").format(sql.Identifier(f"#{n}"), limit) for n in range(len(order))
        ),
        watermark=_watermark(selection),
        total=_total(selection, relation, filters) if selection.counted and not selection.as_of else _NULL,
        exists=_TRUE if collection.exists is None else sql.SQL("(select {})").format(sql.SQL(collection.exists)),
    ).as_bytes(None)  # fmt: skip


@lru_cache(maxsize=512)
def items_statement(selection: Selection) -> bytes:
    """The statement that returns a row of key and object for each of the keys %(keys)s that there is."""
    collection = selection.collection
    return _ITEMS.format(
        columns=columns(selection.model, selection.fields, masked=selection.masked),
        relation=_relation(selection),
        key=sql.SQL(collection.key[0].expression),
    ).as_bytes(None)


def _total(selection: Selection, relation: sql.Composable, filters: sql.Composable) -> sql.Composable:
    counted = _TOTAL.format(relation=relation, condition=filters)
    if selection.conditions or selection.collection.mart is None:
        return counted
    return _KEPT_TOTAL.format(mart=sql.Literal(selection.collection.mart), counted=counted)


def _window(selection: Selection, *, descending: bool) -> sql.Composable:
    collection = selection.collection
    key = sql.SQL(collection.key[0].expression)
    place = sql.SQL("{} {} {}").format(key, sql.SQL("<=" if descending else ">="), sql.Placeholder("after_0"))
    return _WINDOW.format(
        key=key,
        hub=collection.hub,
        after=place if selection.after_cursor else _TRUE,
        direction=sql.SQL(" desc") if descending else _NOTHING,
        most=sql.Literal(AS_OF_KEYS),
    )


def _within_window(collection: Collection, *, descending: bool) -> sql.Composable:
    return sql.SQL("{} {} (select {} from looked_at)").format(
        sql.SQL(collection.key[0].expression),
        sql.SQL(">=" if descending else "<="),
        sql.SQL("lowest" if descending else "highest"),
    )


def _end_of_window(collection: Collection, *, descending: bool) -> sql.Composable:
    """The cursor after the last key that was looked at, if it is not the hub's last."""
    ends = [sql.SQL(_ENDS[each.type][0 if descending else 1]) for each in collection.key[1:]]
    return sql.SQL("else (select array[{}] from looked_at where is_cut)").format(
        sql.SQL(", ").join([sql.SQL("lowest" if descending else "highest"), *ends])
    )


def _relation(selection: Selection) -> sql.Composable:
    collection = selection.collection
    if selection.whole and collection.whole_as_of is not None:
        return collection.whole_as_of
    return (collection.as_of or collection.relation) if selection.as_of else collection.relation


def _watermark(selection: Selection) -> sql.Composable:
    return WATERMARK if selection.collection.mart and not selection.as_of else sql.SQL("select null::text")
