"""Copy the text of a part into PostgreSQL: as it is where it is well formed, else without its bad lines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import errors as pg

from functions.common.database import Connection
from functions.common.errors import FileRejectedError
from functions.common.logging import logger
from functions.load.staging.csv_records import CsvRecords
from functions.load.staging.csv_scan import CsvScan, MalformedCsvError
from functions.load.staging.parts import Part
from functions.model.declaration import Model
from functions.model.render.staging import StagedPart, render_copy, render_raw_table

type Body = Callable[[], Iterator[bytes]]
"""Reads the bytes below the header, from the beginning each time."""


@dataclass(frozen=True)
class CopiedText:
    """What was copied. `is_isolated`: bad lines are in the table too, as text, and every row has its line number."""

    rows: int
    lines: int
    is_isolated: bool


def copy_text(
    connection: Connection,
    model: Model,
    staged: StagedPart,
    part: Part,
    body: Body,
    columns: list[str],
    unknown: dict[str, str],
) -> CopiedText:
    """Copy a part into its raw table. `columns`: the file's, in its order; `unknown`: see render_unknown_columns.

    Raises FileRejectedError when PostgreSQL takes the text in no way.
    """
    into = [unknown.get(name, name) for name in columns]
    try:
        with connection.transaction():
            connection.execute(render_raw_table(model, staged, [*unknown.values()], part.first_row))
            return _copy_whole(connection, model, staged, part, body(), into)
    except (MalformedCsvError, pg.DataError, pg.ProgramLimitExceeded):
        logger.warning(
            "malformed: read again, line by line", extra={"object_id": staged.object_id, "part": part.number}
        )
    connection.execute(render_raw_table(model, staged, [*unknown.values()], part.first_row, is_isolated=True))
    delimiter = model.sources[staged.source].delimiter
    records = CsvRecords(body(), len(columns), delimiter, first_row=part.first_row, first_line=part.first_line)
    try:
        with connection.cursor() as cursor, cursor.copy(render_copy(model, staged, into, is_isolated=True)) as copy:
            for text in records.copy_text():
                copy.write(text)
    except (pg.DataError, pg.ProgramLimitExceeded) as error:
        raise FileRejectedError(_why_copy_failed(error)) from error
    return CopiedText(records.rows, records.lines, is_isolated=True)


def _copy_whole(
    connection: Connection, model: Model, staged: StagedPart, part: Part, body: Iterator[bytes], into: list[str]
) -> CopiedText:
    scan = CsvScan(model.sources[staged.source].delimiter, count_rows=len(into) == 1)
    with connection.cursor() as cursor:
        with cursor.copy(render_copy(model, staged, into)) as copy:
            for chunk in body:
                scan.feed(chunk)
                copy.write(chunk)
            scan.finish()
        rows = cursor.rowcount
    # a blank line is a row to COPY where there is one column only; rows have several lines only with quotes
    if (rows != scan.lines and not scan.has_quotes) or (len(into) == 1 and rows != scan.rows):
        raise MalformedCsvError("rows and lines do not go in step")
    if part.rows_expected not in (None, rows):
        raise MalformedCsvError("the part has other rows than were counted when the file was split")
    return CopiedText(rows, scan.lines, is_isolated=False)


def _why_copy_failed(error: psycopg.Error) -> str:
    """PostgreSQL's reason, without the content of the line, which may be personal data."""
    return f"the file is malformed: {(error.diag.message_primary or 'malformed CSV').split(':')[0]}"
