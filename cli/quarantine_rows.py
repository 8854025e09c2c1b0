"""The rows in quarantine, asked of the load function: it reaches the database wherever the platform runs."""

import csv
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from cli.errors import QueryError
from functions.load.staging.header import CONTROL_COLUMNS
from functions.model.reading import load_model

if TYPE_CHECKING:
    from cli.deployment import Deployment

type Row = dict[str, Any]

_PAGE = 1000


def ask(deployment: "Deployment", **question: Any) -> dict[str, Any]:
    """`rows` and `next`, as functions.load.staging.quarantine.find_rows returns them. Raises QueryError."""
    answer = deployment.functions.invoke(
        FunctionName=deployment.stack_outputs["LoadFunctionName"],
        Payload=json.dumps({"step": "quarantine", **question}).encode(),
    )
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise QueryError(f"the load function could not answer: {told.get('errorMessage', 'see c360 logs load')}")
    return told


def ask_all(deployment: "Deployment", **question: Any) -> list[Row]:
    """All rows, page by page."""
    rows: list[Row] = []
    after: int | None = 0
    while after is not None:
        page = ask(deployment, **question, limit=_PAGE, after=after)
        rows += page["rows"]
        after = page["next"]
    return rows


def write_export(rows: Sequence[Row], stream: TextIO) -> None:
    """Rows of one source as CSV: the source's columns, then the control columns."""
    columns = [*load_model().sources[rows[0]["source"]].columns] if rows else []
    writer = csv.DictWriter(stream, [*columns, *CONTROL_COLUMNS], lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows:
        control = (row["quarantine_id"], row["file"], row["line"], " ".join(row["reasons"]), row["raw_text"])
        writer.writerow((row["raw"] or {}) | dict(zip(CONTROL_COLUMNS, control, strict=True)))
