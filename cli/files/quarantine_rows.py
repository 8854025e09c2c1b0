"""Finds rows in quarantine through the load function: it reaches the database wherever the platform runs."""

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from functions.load.staging.header import CONTROL_COLUMNS
from functions.model.reading import load_model

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

    from cli.deployment import Deployment

type Row = dict[str, Any]

_PAGE = 1000


def find(deployment: "Deployment", **filters: Any) -> dict[str, Any]:
    """`rows` and `next`, as functions.load.staging.quarantine.find_rows returns them. Raises FunctionFailedError."""
    return deployment.invoke("LoadFunctionName", {"step": "quarantine", **filters})


def find_all(deployment: "Deployment", **filters: Any) -> list[Row]:
    """All rows that pass the filters, page by page."""
    rows: list[Row] = []
    after: int | None = 0
    while after is not None:
        page = find(deployment, **filters, limit=_PAGE, after=after)
        rows += page["rows"]
        after = page["next"]
    return rows


def write_export(rows: Sequence[Row], stream: "SupportsWrite[str]") -> None:
    """Rows of one source as CSV: the source's columns, then the control columns."""
    columns = [*load_model().sources[rows[0]["source"]].columns] if rows else []
    writer = csv.DictWriter(stream, [*columns, *CONTROL_COLUMNS], lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows:
        control = (row["quarantine_id"], row["file"], row["line"], " ".join(row["reasons"]), row["raw_text"])
        writer.writerow((row["raw"] or {}) | dict(zip(CONTROL_COLUMNS, control, strict=True)))
