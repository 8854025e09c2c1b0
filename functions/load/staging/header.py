"""What the header of a file must have, and which of its columns the source declares."""

from dataclasses import dataclass
from typing import get_args

from functions.common.errors import FileRejectedError
from functions.model.declaration import Source
from functions.model.dialect import Delimiter

MAXIMUM_COLUMNS = 500
QUARANTINE_ID = "_quarantine_id"
CONTROL_COLUMNS = (QUARANTINE_ID, "_file", "_line", "_reasons", "_raw_text")
"""Columns of an export of quarantine: they say which rows are corrected, and are no data."""


@dataclass(frozen=True)
class Header:
    """A file's columns. `columns`: in the file's order, by the declared names where there are, else by the file's.

    `unknown`: those that the source does not know, each with a column name of ours. `renamed`: names that the file
    writes otherwise (`Email for email`).
    """

    columns: list[str]
    unknown: dict[str, str]
    renamed: list[str]

    @property
    def drifted(self) -> dict[str, str]:
        """Those of the unknown columns that are data which somebody added to the file."""
        if QUARANTINE_ID not in self.unknown:
            return self.unknown
        return {name: column for name, column in self.unknown.items() if name not in CONTROL_COLUMNS}


def match_header(source: Source, names: list[str]) -> Header:
    """Match a file's column names with the source's, without case.

    Raises FileRejectedError when a required column is missing, or two names mean one column.
    """
    if len(names) > MAXIMUM_COLUMNS:
        raise FileRejectedError(f"the header has more than {MAXIMUM_COLUMNS} columns", columns=len(names))
    by_folded = {name.casefold(): name for name in source.columns}
    columns = [name if name in source.columns else by_folded.get(name.casefold(), name) for name in names]
    if len(set(columns)) < len(columns):
        raise FileRejectedError("two names in the header differ in case only, and mean one column")
    missing = [name for name in source.required if name not in columns]
    if missing:
        # other names may be cells of a file without a header
        known = [name for name in source.columns if name in columns]
        hint = _other_delimiter(source, names)
        raise FileRejectedError(
            f"the header lacks required columns{hint}", missing=missing, known=known, columns=len(columns)
        )
    unknown = [name for name in columns if name not in source.columns]
    renamed = [f"{name} for {column}" for name, column in zip(names, columns, strict=True) if name != column]
    return Header(columns, {name: f"unknown_{number}" for number, name in enumerate(unknown, 1)}, renamed)


def _other_delimiter(source: Source, names: list[str]) -> str:
    """What to declare for a header that has the required names if another delimiter separates them."""
    line = source.delimiter.join(names)
    for delimiter in get_args(Delimiter.__value__):
        given = {name.strip().strip('"').strip().casefold() for name in line.split(delimiter)}
        if delimiter != source.delimiter and len(given) > 1 and given.issuperset(source.required):
            shown = r'"\t"' if delimiter == "\t" else f"'{delimiter}'"
            return f": it looks like delimiter {shown}, so declare `delimiter: {shown}` for the source"
    return ""
