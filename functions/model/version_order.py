"""The order in which the versions of one key follow each other, whatever order their files were loaded in.

By effective instant, object key, version of the object, then row: as metadata.object_position orders objects. In the
statements `s` is the satellite's row and `o` the object in metadata.object_version that it came from.

A status follows from all that is known of its instant, so of two of one instant the one that was known later is right.
"""

from psycopg import sql

_COLUMNS = [
    sql.Identifier("s", "effective_at"),
    sql.Identifier("o", "object_key"),
    sql.Identifier("o", "uploaded_at"),
    sql.Identifier("o", "object_id"),
    sql.Identifier("s", "record_row"),
]

LATEST_FIRST = sql.SQL(", ").join(sql.SQL("{} desc").format(column) for column in _COLUMNS)
"""What to order by so that the version in force last comes first."""

PLACE = sql.SQL("row({})").format(sql.SQL(", ").join(_COLUMNS))
"""A value that is greater for the later one of two versions of a key."""

STATUS_LATEST_FIRST = sql.SQL("s.effective_at desc, s.loaded_at desc")
"""The same for the rows of a status satellite."""
