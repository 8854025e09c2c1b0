"""Maintenance of the Iceberg tables, which runs in Spark: few large files, and no snapshot or file that nobody reads.

Runs in Spark's own environment, with spark_job.py beside it. A job (functions/engine/maintenance.py) names the tables.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

from pyspark.sql import SparkSession


def maintain(spark: SparkSession, job: dict[str, Any], _folder: str) -> dict[str, Any]:
    """By table: its snapshot now, how many files became how many, and how many snapshots and lost files have gone.

    A table that is not where the ledger says is left as it is: somebody loads it, or its load is to be taken up.
    """
    lakehouse = importlib.import_module("spark_job").Lakehouse(spark)
    tables = {}
    for table in job["tables"]:
        name, recorded = table["name"], table["recorded"]
        if lakehouse.head(name) == recorded:
            files = _compact(spark, lakehouse.table(name), job)
            head = lakehouse.head(name)
            expired = _expire(lakehouse.table(name), {*table["kept"], recorded, head})
            orphans = _remove_orphans(spark, lakehouse.table(name), job["orphan_hours"])
            tables[name] = {"snapshot": head, "files": files, "expired": expired, "orphans": orphans}
    return {"tables": tables}


def _compact(spark: SparkSession, table: Any, job: dict[str, Any]) -> list[int]:
    """Rewrite small files as one snapshot; how many files there were of them, and are now."""
    actions = spark._jvm.org.apache.iceberg.spark.actions.SparkActions.get(spark._jsparkSession)
    rewrite = actions.rewriteDataFiles(table)
    for name, value in job["compaction"].items():
        rewrite = rewrite.option(name, value)
    for name, value in (("run-id", job["run_id"]), ("step", "maintenance")):
        rewrite = rewrite.snapshotProperty(f"c360.{name}", value)
    result = rewrite.execute()
    return [int(result.rewrittenDataFilesCount()), int(result.addedDataFilesCount())]


def _expire(table: Any, kept: set[int]) -> int:
    """Forget the other snapshots, and delete the files that only they hold; how many they were."""
    others = [snapshot.snapshotId() for snapshot in table.snapshots() if snapshot.snapshotId() not in kept]
    if others:
        # none by its age alone
        expire = table.expireSnapshots().expireOlderThan(0)
        for snapshot in others:
            expire = expire.expireSnapshotId(snapshot)
        expire.commit()
    return len(others)


def _remove_orphans(spark: SparkSession, table: Any, hours: int) -> int:
    """Delete files below the table that none of its snapshots names, as a killed job leaves them; how many they were.

    Not those of the last hours, which a job under way may be about to commit.
    """
    actions = spark._jvm.org.apache.iceberg.spark.actions.SparkActions.get(spark._jsparkSession)
    before = int((time.time() - hours * 3600) * 1000)
    found = actions.deleteOrphanFiles(table).olderThan(before).execute().orphanFileLocations().iterator()
    count = 0
    while found.hasNext():
        found.next()
        count += 1
    return count
