"""Copies of the audit trail in a bucket that keeps its objects locked, where not even an administrator changes them."""

import json
from typing import TYPE_CHECKING

from functions.common.aws import aws_failures_named
from functions.common.database import Connection
from functions.common.errors import AuditBucketUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "audit"
MOST_RECORDS = 50_000
"""Of one object."""


def ship(connection: Connection, s3: "S3Client", bucket: str) -> int:
    """Copy what is new, as JSON lines with each record's hash; return how many records.

    A try that failed after its object was written leaves that object beside those of the next try, which hold the same
    records. Raises AuditBucketUnavailableError.
    """
    shipped = 0
    while rows := connection.execute(
        "select record_id, to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), content::text,"
        " encode(previous_hash, 'hex'), encode(hash, 'hex') from audit.record"
        " where record_id > coalesce((select max(last_id) from audit.shipment), 0)"
        " order by record_id limit %s",
        (MOST_RECORDS,),
    ).fetchall():
        names = ("record_id", "recorded_at", "content", "previous_hash", "hash")
        body = "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)
        first, last = rows[0][0], rows[-1][0]
        key = f"{PREFIX}/dt={rows[0][1][:10]}/{first:020}-{last:020}.jsonl"
        with aws_failures_named("S3", AuditBucketUnavailableError):
            s3.put_object(
                Bucket=bucket,
                Key=key,
                Body=body.encode(),
                ContentType="application/x-ndjson",
                ChecksumAlgorithm="SHA256",  # S3 asks for one where objects are locked
            )
        connection.execute(
            "insert into audit.shipment (first_id, last_id, object_key, hash) values (%s, %s, %s, decode(%s, 'hex'))",
            (first, last, key, rows[-1][4]),
        )
        shipped += len(rows)
    return shipped
