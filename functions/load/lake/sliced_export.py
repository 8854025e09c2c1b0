"""Export marts that one call cannot write: slice after slice, each a unit of the step, all of one publication."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from functions.common.aws import aws_failures_named
from functions.common.database import Connection
from functions.common.errors import LakeUnavailableError
from functions.common.logging import logger
from functions.load.lake.export import (
    PREFIX,
    ExportedTable,
    export_slice,
    make_current,
    marts_published_at,
    new_export_id,
)
from functions.load.lake.tables import FILE_ROWS, TABLES, LakeTable, Slice, slices
from functions.load.time_left import SecondsLeft
from functions.load.units import Unit, do_units, forget_units, record_unit, units_done

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STEP = "export"
SLICE_ROWS = 2_000_000
"""Rows of a slice, some 30 s of the function's processor (ADR 23); of fewer in all marts together, the export is one
piece."""
_BEGUN = "begun"


class _PublishedMeanwhileError(Exception):
    """The marts are not those any more of which the export has slices."""


def are_many(connection: Connection) -> bool:
    """Whether the marts have more rows than a slice."""
    row = connection.execute("select coalesce(sum(rows), 0) from metadata.mart_publication").fetchone()
    return row is not None and row[0] > SLICE_ROWS


def export_in_slices(
    connection: Connection,
    s3: "S3Client",
    bucket: str,
    run_id: str,
    *,
    schema: str,
    seconds_left: SecondsLeft,
    file_rows: int = FILE_ROWS,
) -> list[ExportedTable] | None:
    """As `export` in functions/load/lake/export.py, but in transactions that the caller has not opened, and in as many
    calls as it takes: None: more is to be done in another call.

    Slices are of one publication of the marts: when another run publishes, the export begins anew. A call that dies
    writes its unfinished slice again, into the same files. Raises LakeError, LakeUnavailableError.
    """
    with aws_failures_named("S3", LakeUnavailableError):
        begun = _begin(connection, run_id, schema)
        units = {
            f"{table.name}.{number}": partial(
                _unit,
                bucket=bucket,
                table=table,
                schema=schema,
                begun=begun,
                within=Slice(*bounds),
                named=f"slice-{number:04}",
                file_rows=file_rows,
            )
            for table in TABLES
            for number, bounds in enumerate(begun["slices"][table.name])
        }
        try:
            done = do_units(connection, run_id, STEP, units, seconds_left)
        except _PublishedMeanwhileError:
            logger.warning("another run has published: the export begins anew", extra={"export": begun["export_id"]})
            with connection.transaction():
                forget_units(connection, run_id, STEP)
            return None
        if done is None:
            return None
        exported = [_together(bucket, table, begun, units, done) for table in TABLES]
        current = make_current(s3, bucket, exported, begun["export_id"], run_id, begun["published_at"])
    with connection.transaction():
        forget_units(connection, run_id, STEP)
    return current


def _begin(connection: Connection, run_id: str, schema: str) -> dict[str, Any]:
    """What all calls know of the export: its id, the publication that it is of, and its slices."""
    with connection.transaction():
        begun = units_done(connection, run_id, STEP).get(_BEGUN)
        if begun is not None:
            return dict(begun)
        published_at = marts_published_at(connection)
        begun = {
            "export_id": new_export_id(run_id),
            "published_at": published_at,
            "slices": {
                table.name: [[each.low, each.high] for each in slices(connection, table, schema, SLICE_ROWS)]
                for table in TABLES
            },
        }
        record_unit(connection, run_id, STEP, _BEGUN, begun)
    return begun


def _unit(
    connection: Connection,
    *,
    bucket: str,
    table: LakeTable,
    schema: str,
    begun: Mapping[str, Any],
    within: Slice,
    named: str,
    file_rows: int,
) -> dict[str, Any]:
    """Export a slice. A publication commits its rows and its instant together: asked before and after the rows were
    read, it is the same only if they are its rows."""
    _check_publication(connection, begun)
    exported = export_slice(
        connection, bucket, table, schema, begun["export_id"], file_rows, within=within, named=named
    )
    _check_publication(connection, begun)
    written = asdict(exported)
    return {name: written[name] for name in ("rows", "columns", "files")}


def _check_publication(connection: Connection, begun: Mapping[str, Any]) -> None:
    if marts_published_at(connection) != begun["published_at"]:
        raise _PublishedMeanwhileError


def _together(
    bucket: str, table: LakeTable, begun: Mapping[str, Any], units: Mapping[str, Unit], done: Mapping[str, Any]
) -> ExportedTable:
    whole = ExportedTable(table, f"s3://{bucket}/{PREFIX}/{table.name}/export={begun['export_id']}/")
    for name in units:
        if name.rpartition(".")[0] == table.name:
            part = done[name]
            whole.rows += part["rows"]
            whole.columns = part["columns"]
            for month, keys in part["files"].items():
                whole.files.setdefault(month, []).extend(keys)
    return whole
