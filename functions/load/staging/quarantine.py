"""The rows in quarantine: list them for correction, and mark those that a later file corrects.

A corrected row comes back in a file of its own, as an object of its source at the effective instant of the file that
the row was in. Its column `_quarantine_id` says which row it corrects.
"""

import json
from dataclasses import dataclass
from typing import Any

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.load.staging.header import QUARANTINE_ID
from functions.model.classification import MASK, classification
from functions.model.render.quarantine import render_mark_replayed
from functions.model.render.staging import StagedPart

type Row = dict[str, Any]

PAGE_BYTES = 4_000_000
"""Lambda returns up to 6 MB ("Lambda quotas"); the rest is for what JSON adds."""


@dataclass(frozen=True)
class RowFilter:
    """Rows that meet every condition that is given. `file`: a key or its end; `rule`: an id or a column.

    `persons`: show cells of persons too, as who corrects them needs.
    """

    ids: tuple[int, ...] | None = None
    file: str | None = None
    rule: str | None = None
    run: str | None = None
    replayed: bool = False
    after: int = 0
    limit: int = 100
    persons: bool = False


def find_rows(connection: Connection, row_filter: RowFilter) -> dict[str, Any]:
    """`rows`, ascending by `quarantine_id`, up to the limit or PAGE_BYTES; `next`, to ask for those after it, or null.

    A row has `raw`, its cells by column, or `raw_text`, its line, where that could not be split into cells; those of
    persons show as `***` unless asked for.
    """
    parameters = vars(row_filter) | {
        "ids": None if row_filter.ids is None else list(row_filter.ids),
        "file_pattern": f"%/{_literal(row_filter.file)}",
        "rule_pattern": f"{_literal(row_filter.rule)}.%",
        "limit": row_filter.limit + 1,
    }
    rows: list[Row] = []
    size = 0
    with connection.cursor(name="quarantine") as cursor:
        cursor.itersize = 100
        for (row,) in cursor.execute(read_sql("load/find_quarantined.sql"), parameters):
            size += len(json.dumps(row, ensure_ascii=False).encode())
            if not row_filter.persons:
                row |= _without_persons(row)
            if len(rows) == row_filter.limit or (rows and size > PAGE_BYTES):
                return {"rows": rows, "next": rows[-1]["quarantine_id"]}
            rows.append(row)
    return {"rows": rows, "next": None}


def _without_persons(row: Row) -> Row:
    """Its cells with those of persons hidden; a line that could not be split may hold anything."""
    raw = row["raw"]
    return {
        "raw": raw if raw is None else classification().masked_row(row["source"], raw),
        "raw_text": row["raw_text"] and MASK,
    }


def _literal(text: str | None) -> str:
    """Text as a pattern of LIKE that matches nothing else."""
    return (text or "").replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def mark_replayed(connection: Connection, staged: StagedPart, unknown_columns: dict[str, str]) -> None:
    """Mark the rows of quarantine that the rows of this part correct: same source, same effective instant.

    `unknown_columns`: name in the file -> column of the raw table; without a `_quarantine_id` there is nothing to do.
    """
    if QUARANTINE_ID not in unknown_columns:
        return
    connection.execute(render_mark_replayed(staged, unknown_columns[QUARANTINE_ID]))
