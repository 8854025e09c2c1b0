"""The parts of files in the ledger: which bytes and rows each has, and which of them are staged."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql
from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.load.staging.shared_partitions import shared_by
from functions.model.render.staging import StagedPart, render_part_counts

type Measures = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Part:
    """A part of a file. `span`: its first byte and the byte after its last; None for a file that is not split.

    `first_row` and `first_line` number its first row and line in the file; `rows_expected` is None when unknown.
    """

    number: int
    span: tuple[int, int] | None = None
    first_row: int = 1
    first_line: int = 2
    rows_expected: int | None = None


@dataclass(frozen=True)
class StagedCounts:
    """The result of staging a part. `lines`: physical lines, of which a row may have several.

    `rows_omitted`: of the rejected rows, those that are counted and not kept in quarantine.
    """

    rows_read: int
    rows_quarantined: int
    rows_omitted: int
    lines: int
    measures: Measures


def plan_parts(connection: Connection, object_id: int, parts: list[Part]) -> None:
    """Note the parts that a file is to be staged in."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into metadata.object_part"
            " (object_id, part, first_byte, end_byte, first_row, first_line, rows_expected)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            [
                (object_id, p.number, *(p.span or (None, None)), p.first_row, p.first_line, p.rows_expected)
                for p in parts
            ],
        )


def locked_part(connection: Connection, object_id: int, number: int) -> Part:
    """A part of a file that was split, locked until the transaction ends; the whole file when it was not."""
    row = connection.execute(
        "select first_byte, end_byte, first_row, first_line, rows_expected from metadata.object_part"
        " where object_id = %s and part = %s and first_byte is not null for update",
        (object_id, number),
    ).fetchone()
    return Part(number) if row is None else Part(number, (row[0], row[1]), *row[2:])


def staged_counts(connection: Connection, part: StagedPart) -> StagedCounts | None:
    """What an earlier attempt staged, if all of it is still there: PostgreSQL empties staging when it crashes."""
    row = connection.execute(
        render_part_counts(part),
        {"object_id": part.object_id, "part": part.part},
    ).fetchone()
    return None if row is None else StagedCounts(*row)


def record_staged(connection: Connection, object_id: int, part: Part, counts: StagedCounts) -> None:
    """Note that the part is staged."""
    connection.execute(
        read_sql("load/record_staged_part.sql"),
        (
            object_id,
            part.number,
            counts.rows_read,
            counts.rows_quarantined,
            counts.rows_omitted,
            counts.lines,
            Jsonb(counts.measures),
        ),
    )


def is_complete(connection: Connection, object_id: int) -> bool:
    """Whether every part of the file is staged; locks the file, so that of two last parts one says yes.

    Not against foreign keys: a part that sets rows aside refers to the file before it waits to be attached.
    """
    connection.execute("select from metadata.object_version where object_id = %s for no key update", (object_id,))
    row = connection.execute(
        "select bool_and(staged_at is not null) from metadata.object_part where object_id = %s", (object_id,)
    ).fetchone()
    return row == (True,)


def totals(connection: Connection, object_id: int) -> tuple[int, int, int, Mapping[str, Mapping[str, str]]]:
    """Rows read, quarantined and omitted, and the sums of each measure (see stage), over the parts of a file."""
    rows_read, rows_quarantined, rows_omitted = connection.execute(
        "select sum(rows_read)::bigint, sum(rows_quarantined)::bigint, sum(rows_omitted)::bigint"
        " from metadata.object_part where object_id = %s",
        (object_id,),
    ).fetchone() or (0, 0, 0)
    measures = connection.execute(
        "select name, sum((sums ->> 'file')::numeric)::text, coalesce(sum((sums ->> 'omitted')::numeric), 0)::text"
        " from metadata.object_part, jsonb_each(measures) as measure (name, sums) where object_id = %s group by name",
        (object_id,),
    )
    return (
        rows_read,
        rows_quarantined,
        rows_omitted,
        {name: {"file": total} | ({"omitted": omitted} if omitted != "0" else {}) for name, total, omitted in measures},
    )


def forget_part(connection: Connection, staged: StagedPart, part: Part) -> None:
    """Remove what an earlier attempt staged of a part, and what it set aside."""
    if staged.shared is None:
        connection.execute(sql.SQL("drop table if exists {}").format(staged.table))
    else:
        # through the source, as the shared partition need not be there
        connection.execute(
            sql.SQL("delete from {} where object_id = {} and part = {}").format(
                sql.Identifier("staging", staged.source), staged.object_id, staged.part
            )
        )
    for kept in ("quarantine", "unknown_columns", "unread_key"):
        connection.execute(
            sql.SQL(
                "delete from {} where object_id = %(object_id)s and row_number >= %(first)s"
                " and (%(rows)s::bigint is null or row_number < %(first)s + %(rows)s::bigint)"
            ).format(sql.Identifier("metadata", kept)),
            {"object_id": staged.object_id, "first": part.first_row, "rows": part.rows_expected},
        )


def forget_object(connection: Connection, source: str, object_id: int) -> None:
    """Remove all parts of a file, what was staged of them and what was set aside."""
    numbers = connection.execute(
        "delete from metadata.object_part where object_id = %s returning part", (object_id,)
    ).fetchall()
    shared = shared_by(connection, object_id)
    for (number,) in numbers:
        forget_part(connection, StagedPart(source, object_id, number, shared), Part(number))
    connection.execute("delete from metadata.repeated_row where object_id = %s", (object_id,))
