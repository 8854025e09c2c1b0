"""What the header of a file must have, and which of its columns the model does not know."""

from functions.common.errors import FileRejectedError
from functions.model.declaration import Source

MAXIMUM_COLUMNS = 500
QUARANTINE_ID = "_quarantine_id"
CONTROL_COLUMNS = (QUARANTINE_ID, "_file", "_line", "_reasons", "_raw_text")
"""Columns of an export of quarantine: they say which rows are corrected, and are no data."""


def unknown_columns(source: Source, columns: list[str]) -> dict[str, str]:
    """The columns that the source does not know, each with a column name of ours.

    Raises FileRejectedError when a required column is missing.
    """
    missing = [name for name in source.required if name not in columns]
    if missing:
        # other names may be cells of a file without a header
        known = [name for name in source.columns if name in columns]
        raise FileRejectedError("the header lacks required columns", missing=missing, known=known, columns=len(columns))
    if len(columns) > MAXIMUM_COLUMNS:
        raise FileRejectedError(f"the header has more than {MAXIMUM_COLUMNS} columns", columns=len(columns))
    unknown = [name for name in columns if name not in source.columns]
    return {name: f"unknown_{number}" for number, name in enumerate(unknown, 1)}


def drifted(unknown: dict[str, str]) -> dict[str, str]:
    """Those of the unknown columns that are data which somebody added to the file."""
    return {name: column for name, column in unknown.items() if name not in CONTROL_COLUMNS}
