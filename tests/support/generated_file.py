"""A process of its own that stages a generated file: how much memory does it take at most?

`python -m tests.support.generated_file URL ROWS KIND` prints the peak of its resident memory in bytes. KIND: "good",
"bad" (every tenth line is malformed), or "parts".
"""

import resource
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import psycopg

from functions.load.plan.split import split, staging_items
from functions.load.staging.stage import stage
from functions.model.reading import load_model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEADER = (
    b"transaction_id,customer_id,order_date,product_id,quantity,unit_price,total_amount,payment_method,order_status\n"
)
ROW = b"T%09d,C%06d,2024-01-01T10:00:00Z,P%04d,2,10.00,20.00,card,completed\n"
BAD_ROW = b"T%09d,C%06d,2024-01-01T10:00:00Z,P%04d,2,10.00,20.00,card\n"
BLOCK = 10_000
SPLIT_BYTES = 4 << 20


class GeneratedS3:
    """The one object that it has is made while it is read, so that nobody holds it in memory."""

    def __init__(self, rows: int, kind: str) -> None:
        self.rows, self.kind = rows, kind
        self.size = sum(map(len, self.blocks()))

    def blocks(self) -> Iterator[bytes]:
        yield HEADER
        for start in range(0, self.rows, BLOCK):
            yield b"".join(
                (BAD_ROW if self.kind == "bad" and number % 10 == 9 else ROW) % (number, number % 90_000, number % 900)
                for number in range(start, min(start + BLOCK, self.rows))
            )

    def get_object(self, **arguments: Any) -> dict[str, Any]:
        begin, end = 0, self.size
        if "Range" in arguments:
            first, _, last = arguments["Range"].removeprefix("bytes=").partition("-")
            begin, end = int(first), int(last) + 1
        return {"ContentLength": end - begin, "Body": _Body(self.blocks(), begin, end)}


class _Body:
    def __init__(self, blocks: Iterator[bytes], begin: int, end: int) -> None:
        self._blocks, self._begin, self._end = blocks, begin, end

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        position = 0
        for block in self._blocks:
            part = block[max(self._begin - position, 0) : max(self._end - position, 0)]
            position += len(block)
            for start in range(0, len(part), size):
                yield part[start : start + size]
            if position >= self._end:
                return


def peak_bytes(url: str, rows: int, kind: str) -> int:
    """Stage so many rows into the migrated database at `url`, commit nothing, and measure this process."""
    generated = GeneratedS3(rows, kind)
    s3, model = cast("S3Client", generated), load_model()
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into metadata.load_run (run_id, execution_arn, status, started_at)"
            " values ('generated', 'arn', 'RUNNING', now())"
        )
        row = connection.execute(
            "insert into metadata.object_version (bucket, object_key, version_id, etag, size_bytes, uploaded_at,"
            " source, is_snapshot, effective_at, status, run_id) values ('b', 'landing/transactions/a.csv', 'null',"
            " 'e', %s, now(), 'transactions', false, now(), 'PLANNED', 'generated') returning object_id",
            (generated.size,),
        ).fetchone()
        object_id = row[0] if row else 0
        began = time.monotonic()
        if kind == "parts":
            split(connection, s3, model, "generated", object_id, SPLIT_BYTES)
            sys.stderr.write(f"split {generated.size >> 20} MB in {time.monotonic() - began:.1f} s\n")
        for item in staging_items(connection, "generated"):
            status = stage(connection, s3, model, "generated", object_id, item["part"])
        counts = connection.execute(
            "select rows_read, rows_quarantined from metadata.object_version where object_id = %s", (object_id,)
        ).fetchone()
        sys.stderr.write(f"{status} {counts} in {time.monotonic() - began:.1f} s\n")
        assert counts == (rows, rows // 10 if kind == "bad" else 0)
        connection.rollback()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(peak_bytes(sys.argv[1], int(sys.argv[2]), sys.argv[3]))  # noqa: T201 - its answer
