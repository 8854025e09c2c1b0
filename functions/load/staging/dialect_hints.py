"""What rejected rows say about the dialect of their file: they look like another than its source declares."""

import re
from collections.abc import Iterator
from typing import Any

from functions.common.database import Connection
from functions.model.declaration import Source

_SAMPLED = 1000
_NULLS = {"null", r"\n", "n/a", "na", "nan", "none", "-", "#n/a"}
_NUMBER_WITH_COMMA = re.compile(r"[+-]?[0-9]{1,3}([. \u00a0\u202f]?[0-9]{3})*,[0-9]+")
_NUMBER_WITH_POINT = re.compile(r"[+-]?[0-9]+\.[0-9]{1,2}")
_DATES = {
    "`date_format: YYYY-MM-DD`": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T].*)?"),
    "`date_format: DD.MM.YYYY`": re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}([ T].*)?"),
    "`date_format`, MM/DD/YYYY or DD/MM/YYYY,": re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}([ T].*)?"),
    "`date_format`, DD-MM-YYYY or MM-DD-YYYY,": re.compile(r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}([ T].*)?"),
    "`date_format: YYYY/MM/DD`": re.compile(r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}([ T].*)?"),
    "`date_format: YYYYMMDD`": re.compile(r"(19|20)[0-9]{6}"),
}


def dialect_hint(connection: Connection, source: Source, object_id: int) -> str | None:
    """What to declare, where more than half of a file's rejected rows look alike; shows none of their cells."""
    rows = connection.execute(
        "select raw, reasons from metadata.quarantine where object_id = %s order by row_number limit %s",
        (object_id, _SAMPLED),
    ).fetchall()
    counts: dict[str, int] = {}
    for raw, reasons in rows:
        for sign in set(_signs(source, raw or {}, reasons)):
            counts[sign] = counts.get(sign, 0) + 1
    common = [sign for sign, count in counts.items() if count * 2 > len(rows)]
    return (
        f"rejected rows look like another dialect: declare {' and '.join(sorted(common))} for the source"
        if common
        else None
    )


def _signs(source: Source, raw: dict[str, Any], reasons: list[str]) -> Iterator[str]:
    if "row.encoding" in reasons:
        yield f"the `encoding` (they are not {source.encoding})"
    for name, column in source.columns.items():
        cell = raw.get(name)
        if cell is None or f"{name}.type" not in reasons:
            continue
        if cell.lower() in _NULLS:
            yield "`null_values`"
        elif column.type in ("date", "timestamp"):
            yield from (what for what, shape in _DATES.items() if shape.fullmatch(cell))
        elif source.decimal == "." and _NUMBER_WITH_COMMA.fullmatch(cell):
            yield "`decimal: ','`"
        elif source.decimal == "," and _NUMBER_WITH_POINT.fullmatch(cell):
            yield "`decimal: '.'`"
