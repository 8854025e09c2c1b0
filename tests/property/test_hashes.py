"""Different rows never share a hash key or a hashdiff: not by text that moves, by NULL, by type or by length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import combinations
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from functions.model.declaration import Column, ColumnType
from functions.model.render.hash_keys import digest, hashdiff
from functions.model.render.row_rules import POSTGRES_TYPES
from local.servers.postgres import PostgresServer

EXAMPLES = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

type Value = str | int | Decimal | date | datetime | None

# what the encoding itself is made of, so that values look like encodings
PIECES = st.sampled_from(["~", "s", "1", "2", ":", ";", "i", "n", "d", "s1:", "s0:", "~~", "é", "😀", "a", "||", " "])
TEXT = st.lists(PIECES, max_size=4).map("".join)
VALUES: dict[ColumnType, st.SearchStrategy[Value]] = {
    "text": TEXT,
    "integer": st.sampled_from([0, 1, 2, 12, -1, 2**63 - 1, -(2**63)]),
    "decimal": st.sampled_from([Decimal(text) for text in ("1", "1.5", "15", "0.15", "-1", "0", "12", "2", "1000")]),
    "date": st.dates(),
    "timestamp": st.datetimes(timezones=st.just(UTC)),
}


@dataclass(frozen=True)
class Row:
    """Values of columns with these types."""

    types: tuple[ColumnType, ...]
    values: tuple[Value, ...]

    @property
    def typed(self) -> tuple[object, ...]:
        """What makes two rows equal: each value with its type; NULL has none."""
        return tuple(
            None if value is None else (type_name, value)
            for type_name, value in zip(self.types, self.values, strict=True)
        )

    @property
    def up_to_last_value(self) -> tuple[object, ...]:
        """The same, without what is empty at the end: a hashdiff does not depend on how many columns there are."""
        typed = self.typed
        while typed and typed[-1] is None:
            typed = typed[:-1]
        return typed


@st.composite
def rows(draw: st.DrawFn, types: tuple[ColumnType, ...]) -> Row:
    return Row(types, tuple(draw(st.none() | VALUES[type_name]) for type_name in types))


@st.composite
def alike(draw: st.DrawFn) -> list[Row]:
    """Rows of one table, close to each other: one and what moving, emptying or merging its values makes of it."""
    names: list[ColumnType] = list(VALUES)
    types = tuple(draw(st.lists(st.sampled_from(["text", "text", *names]), min_size=1, max_size=4)))
    drawn = draw(st.lists(rows(types), min_size=2, max_size=4))
    values = drawn[0].values
    if types[:2] == ("text", "text"):
        left, right, between = str(values[0] or ""), str(values[1] or ""), draw(TEXT)
        moved: list[tuple[Value, Value]] = [
            (left + between + right, None),
            (left + right, ""),
            (left[:-1], left[-1:] + right),
            (right, left),
        ]
        moved += [(None, left), (f"{left};s{right}", None), (f"{left}s{len(right.encode())}:{right}", None)]
        drawn += [Row(types, (*pair, *values[2:])) for pair in moved]
    drawn += [Row(types, tuple(None if i == j else value for j, value in enumerate(values))) for i in range(len(types))]
    return [*drawn, Row(types, tuple(map(_written_otherwise, values)))]


def _written_otherwise(value: Value) -> Value:
    """An equal value in another form."""
    if isinstance(value, Decimal):
        return Decimal(f"{value:f}0") if "." in f"{value:f}" else Decimal(f"{value:f}.00")
    return value.astimezone(ZoneInfo("Asia/Tokyo")) if isinstance(value, datetime) else value


@pytest.fixture(scope="module")
def connection(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_server.url, autocommit=True) as opened:
        yield opened


def hashed(connection: psycopg.Connection, given_rows: Sequence[Row]) -> list[tuple[bytes, bytes]]:
    """For each row its digest as a key and as a hashdiff, as PostgreSQL computes them."""
    selects: list[sql.Composable] = []
    parameters: list[Value] = []
    for row in given_rows:
        names = tuple(f"c{number}" for number in range(len(row.types)))
        columns = {name: Column(type=type_name) for name, type_name in zip(names, row.types, strict=True)}
        typed = sql.SQL(", ").join(
            sql.SQL("%s::{} as {}").format(sql.SQL(POSTGRES_TYPES[type_name]), sql.Identifier(name))
            for name, type_name in zip(names, row.types, strict=True)
        )
        selects.append(
            sql.SQL("select {}, {} from (select {}) as typed").format(
                digest(names, columns), hashdiff(names, columns), typed
            )
        )
        parameters += row.values
    return connection.execute(sql.SQL(" union all ").join(selects), parameters).fetchall()


@EXAMPLES
@given(alike())
def test_rows_share_a_hash_exactly_when_they_are_equal(connection: psycopg.Connection, given_rows: list[Row]) -> None:
    digests = hashed(connection, given_rows)
    for (one, (key, diff)), (other, (other_key, other_diff)) in combinations(zip(given_rows, digests, strict=True), 2):
        assert (key == other_key) == (one.typed == other.typed), (one, other)
        assert (diff == other_diff) == (one.typed == other.typed), (one, other)


@st.composite
def of_two_tables(draw: st.DrawFn) -> tuple[Row, Row]:
    """Rows whose tables differ in number or types of columns, but that read much alike."""
    types: tuple[ColumnType, ...] = tuple(draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3)))
    row = draw(rows(types))
    retyped = [draw(st.sampled_from(_readings(*each))) for each in zip(row.types, row.values, strict=True)]
    added = draw(st.lists(st.sampled_from(list(VALUES)), max_size=2))
    values = [*(value for _, value in retyped), *(draw(st.none() | VALUES[each]) for each in added)]
    return row, Row((*(each for each, _ in retyped), *added), tuple(values))


def _readings(type_name: ColumnType, value: Value) -> list[tuple[ColumnType, Value]]:
    """The value, in its type and in others that would be written much the same."""
    readings: list[tuple[ColumnType, Value]] = [(type_name, value)]
    if isinstance(value, int):
        readings += [("decimal", Decimal(value)), ("timestamp", datetime.fromtimestamp(value % 10**6, UTC))]
    if isinstance(value, Decimal) and value == value.to_integral():
        readings.append(("integer", int(value)))
    return [*readings, ("text", None if value is None else str(value))]


@EXAMPLES
@given(of_two_tables())
def test_a_hashdiff_tells_values_of_other_types_and_numbers_of_columns_apart(
    connection: psycopg.Connection, pair: tuple[Row, Row]
) -> None:
    one, other = pair
    (key, diff), (other_key, other_diff) = hashed(connection, pair)
    assert (key == other_key) == (one.typed == other.typed)
    assert (diff == other_diff) == (one.up_to_last_value == other.up_to_last_value)


@EXAMPLES
@given(alike(), st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3))
def test_columns_added_at_the_end_change_no_hashdiff_while_they_are_empty(
    connection: psycopg.Connection, given_rows: list[Row], added: list[ColumnType]
) -> None:
    longer = [Row((*row.types, *added), (*row.values, *[None] * len(added))) for row in given_rows]
    before, after = hashed(connection, given_rows), hashed(connection, longer)
    assert [diff for _, diff in before] == [diff for _, diff in after]


def test_the_settings_of_a_session_change_no_hash(connection: psycopg.Connection) -> None:
    row = Row(
        ("timestamp", "date", "decimal", "integer", "text"),
        (datetime(2024, 1, 2, 3, 4, 5, 600, UTC), date(2024, 1, 2), Decimal("1234.50"), -7, "é~"),
    )
    plain = hashed(connection, [row])
    with connection.transaction(force_rollback=True):
        connection.execute("set local timezone = 'Asia/Tokyo'; set local datestyle = 'German'")
        connection.execute("set local extra_float_digits = -15; set local bytea_output = 'escape'")
        connection.execute("set local standard_conforming_strings = off; set local intervalstyle = 'sql_standard'")
        assert hashed(connection, [row]) == plain
