"""Export the marts to the lake: all files under a new prefix, then one object that says which files count.

    <prefix>/<table>/export=<run id>-<random>/[order_month=YYYY-MM/]part-00000.parquet
    <prefix>/manifest.json

Readers that open the manifest see the last export or the one before it, never a mixture, of all tables alike; it is
written in one put, after the last file. The files of the export before stay for those who are reading them.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.common.aws import aws_failures_named
from functions.common.database import Connection
from functions.common.errors import LakeUnavailableError
from functions.common.logging import logger
from functions.load.lake.tables import ALL, FILE_ROWS, TABLES, LakeTable, Slice, read_chunks, write_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "lake"
MANIFEST = f"{PREFIX}/manifest.json"

_BEING_WRITTEN = timedelta(hours=7)
"""No run takes that long: what is younger and in no manifest may be another export at work."""


@dataclass
class ExportedTable:
    """What was written of one table. `files`: keys by partition, the empty string where there is none."""

    table: LakeTable
    location: str
    rows: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)


def export(
    connection: Connection, s3: "S3Client", bucket: str, run_id: str, *, schema: str, file_rows: int = FILE_ROWS
) -> list[ExportedTable]:
    """Write all marts as of one instant and make them the current export; return it, or nothing if it is older than
    the current one. `schema`: whose views are read, `masked` or, with persons, `business_vault`.

    The caller's transaction must be repeatable read. Trying again writes another export; what an attempt that died
    has left is removed by a later one. Raises LakeError when a value does not fit, LakeUnavailableError.
    """
    published_at = marts_published_at(connection)
    export_id = new_export_id(run_id)
    with aws_failures_named("S3", LakeUnavailableError):
        exported = [export_slice(connection, bucket, table, schema, export_id, file_rows) for table in TABLES]
        return make_current(s3, bucket, exported, export_id, run_id, published_at)


def new_export_id(run_id: str) -> str:
    """Of an export that begins now."""
    return f"{run_id}-{secrets.token_hex(3)}"


def make_current(
    s3: "S3Client", bucket: str, exported: list[ExportedTable], export_id: str, run_id: str, published_at: str
) -> list[ExportedTable]:
    """Have the manifest name these files, and remove those of old exports; nothing of an export that is older than the
    current one, of which the answer is nothing."""
    before = read_manifest(s3, bucket)
    if before is not None and published_at < before["published_at"]:
        logger.warning("another run has exported newer marts already", extra={"export": before["export"]})
        return []
    s3.put_object(
        Bucket=bucket,
        Key=MANIFEST,
        Body=json.dumps(_manifest(exported, export_id, run_id, published_at), indent=1).encode(),
        ContentType="application/json",
    )
    _forget(s3, bucket, {export_id} | ({before["export"]} if before else set()))
    return exported


def read_manifest(s3: "S3Client", bucket: str) -> dict[str, Any] | None:
    """The current export, as its manifest says; None when nothing was ever exported."""
    try:
        answer = s3.get_object(Bucket=bucket, Key=MANIFEST)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchKey":
            raise
        return None
    manifest: dict[str, Any] = json.loads(answer["Body"].read())
    return manifest


def marts_published_at(connection: Connection) -> str:
    """When the marts changed last, as text that sorts."""
    row = connection.execute("select max(published_at) from metadata.mart_publication").fetchone()
    at: datetime = row[0] if row and row[0] else datetime.fromtimestamp(0, UTC)
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def export_slice(
    connection: Connection,
    bucket: str,
    table: LakeTable,
    schema: str,
    export_id: str,
    file_rows: int,
    *,
    within: Slice = ALL,
    named: str = "part",
) -> ExportedTable:
    """Write a slice of a table, into files whose names begin with `named`; no two slices may have the same."""
    prefix = f"{PREFIX}/{table.name}/export={export_id}"
    exported = ExportedTable(table, f"s3://{bucket}/{prefix}/")
    for number, chunk in enumerate(read_chunks(connection, table, schema, file_rows, within)):
        folder = f"{prefix}/{table.partition}={chunk.month}" if table.partition else prefix
        key = f"{folder}/{named}-{number:05}.parquet"
        exported.columns = write_file(f"s3://{bucket}/{key}", chunk.rows)
        exported.files.setdefault(chunk.month or "", []).append(key)
        exported.rows += chunk.rows.num_rows
    logger.info("table exported", extra={"table": table.name, "rows": exported.rows, "files": len(exported.files)})
    return exported


def _manifest(exported: list[ExportedTable], export_id: str, run_id: str, published_at: str) -> dict[str, Any]:
    return {
        "export": export_id,
        "run_id": run_id,
        "published_at": published_at,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tables": {
            each.table.name: {
                "location": each.location,
                "rows": each.rows,
                "columns": each.columns,
                "partition": each.table.partition,
                "files": [key for keys in each.files.values() for key in keys],
            }
            for each in exported
        },
    }


def _forget(s3: "S3Client", bucket: str, kept: set[str]) -> None:
    """Remove the files of exports that are not `kept`, but for those that another run may be writing."""
    old: list[str] = []
    for item in _objects(s3, bucket):
        export_id = next((part for part in item["Key"].split("/") if part.startswith("export=")), None)
        finished = datetime.now(UTC) - item["LastModified"] > _BEING_WRITTEN
        if export_id is not None and export_id.removeprefix("export=") not in kept and finished:
            old.append(item["Key"])
    for start in range(0, len(old), 1000):
        s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in old[start : start + 1000]], "Quiet": True}
        )


def _objects(s3: "S3Client", bucket: str) -> Iterator[Any]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{PREFIX}/"):
        yield from page.get("Contents", ())


def glue_table(exported: ExportedTable) -> dict[str, Any]:
    """Glue's TableInput that makes this export the table's content, in one call for all partitions.

    Partitions are projected from the table's parameters (Athena user guide, "Partition projection"), so none needs to
    be registered: a table whose location changes has all its new ones at once.
    """
    parameters = {"classification": "parquet", "EXTERNAL": "TRUE"}
    keys = []
    if exported.table.partition is not None:
        name = exported.table.partition
        keys = [{"Name": name, "Type": "string"}]
        parameters |= {
            "projection.enabled": "true",
            f"projection.{name}.type": "enum",
            f"projection.{name}.values": ",".join(sorted(exported.files)) or "none",
            "storage.location.template": f"{exported.location}{name}=${{{name}}}/",
        }
    return {
        "Name": exported.table.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": keys,
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in exported.columns.items()],
            "Location": exported.location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
            },
        },
    }
