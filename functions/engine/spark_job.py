"""The part of a load that runs in Spark: appends to Iceberg tables what a job's steps select, one snapshot each.

This module runs in Spark's own environment, here and on AWS (where an older Python may run it), and needs nothing of
ours. A job (functions/engine/vault_job.py) holds all that it is to do. Each snapshot names run, step and objects in its
summary, so a job that is started again finds what it has done already.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

PREFIX = "c360."
NAMESPACE = "lake.raw_vault"
_CREATED = "created"


class TableStateError(Exception):
    """A table is not where the ledger left it, and it was not a load that changed it."""


class Lakehouse:
    """The Iceberg tables of the raw vault, reached through one Spark session."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.namespace = NAMESPACE

    def table(self, name: str) -> Any:
        """Iceberg's own object of a table, as the catalog has it now."""
        return self.spark._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(
            self.spark._jsparkSession, f"{self.namespace}.{name}"
        )

    def head(self, name: str) -> int:
        """The snapshot that readers of the table get now."""
        return int(self.table(name).currentSnapshot().snapshotId())

    def create(self, name: str, statement: str, first_rows: str | None) -> None:
        """Create a table if it is missing. It begins with a snapshot, to which a first load can be taken back."""
        if not self._exists(name):
            self.spark.sql(statement)
        table = self.table(name)
        if table.currentSnapshot() is not None:
            return
        if first_rows is None:
            table.newAppend().set(f"{PREFIX}step", _CREATED).commit()
        else:
            self._append(name, self.spark.sql(first_rows), {"step": _CREATED})

    def _exists(self, name: str) -> bool:
        return bool(self.spark.catalog.tableExists(f"{self.namespace}.{name}"))

    def since(self, name: str, base: int | None) -> list[tuple[int, dict[str, str]]]:
        """The snapshots after `base` (None: after the table's creation), oldest first, each with its summary.

        Raises TableStateError when the table does not descend from `base`, or was changed by something else.
        """
        table = self.table(name)
        found = []
        snapshot = table.currentSnapshot()
        while snapshot is not None and snapshot.snapshotId() != base:
            summary = dict(snapshot.summary())
            if base is None and snapshot.parentId() is None:
                break
            if f"{PREFIX}run-id" not in summary:
                raise TableStateError(
                    f"table {name} was changed by something other than a load (snapshot {snapshot.snapshotId()},"
                    f" {snapshot.operation()}): roll it back to {base or 'its creation'}, then resume the run"
                )
            found.append((int(snapshot.snapshotId()), summary))
            parent = snapshot.parentId()
            snapshot = None if parent is None else table.snapshot(parent)
        if snapshot is None:
            raise TableStateError(
                f"table {name} does not hold snapshot {base}, which the ledger says was its last: restore the table's"
                " metadata, or the catalog, as of the last run"
            )
        return found[::-1]

    def take_back(self, name: str, base: int | None, kept: int) -> None:
        """Make the table what it was `kept` snapshots after `base`."""
        later = self.since(name, base)
        if len(later) == kept:
            return
        table = self.table(name)
        first = table.snapshot(later[0][0]).parentId()
        table.manageSnapshots().rollbackTo(later[kept - 1][0] if kept else first).commit()

    def append(self, name: str, rows: DataFrame, summary: dict[str, str]) -> int:
        """Append rows as one snapshot with this summary; how many they were.

        Raises TableStateError when another writer was faster: what stands in the table then is not what was read.
        """
        before = self.head(name)
        self._append(name, rows, summary)
        snapshot = self.table(name).currentSnapshot()
        if snapshot.parentId() != before:
            raise TableStateError(f"table {name} has another writer: resume the run once that one has ended")
        return int(snapshot.summary().get("added-records") or 0)

    def _append(self, name: str, rows: DataFrame, summary: dict[str, str]) -> None:
        writer = rows.writeTo(f"{self.namespace}.{name}")
        for key, value in summary.items():
            writer = writer.option(f"snapshot-property.{PREFIX}{key}", value)
        writer.append()


def run_job(spark: SparkSession, job: dict[str, Any]) -> dict[str, Any]:
    """Do what the job's steps say and no attempt before has done; by table its snapshot, by step rows and seconds."""
    lakehouse = Lakehouse(spark)
    spark.sql(job["namespace"])
    for table in job["tables"]:
        lakehouse.create(table["name"], table["statement"], table["first_rows"])
    done = _take_up(lakehouse, job)
    _open_ledger(spark, job)
    staged: set[str] = set()
    steps = {}
    for number, step in enumerate(job["steps"]):
        started = time.monotonic()
        if number >= done:
            if step["source"] not in staged:
                _stage(spark, job, step["source"])
                staged.add(step["source"])
            _run_step(lakehouse, job, step)
        table, place = _last_append(job, number)
        summary = lakehouse.since(table, job["bases"].get(table))[place][1]
        steps[step["name"]] = {
            "rows": int(summary.get("added-records", 0)),
            "seconds": round(time.monotonic() - started, 3),
        }
    return {"snapshots": {name: lakehouse.head(name) for name in _written(job["steps"])}, "steps": steps}


def _written(steps: list[dict[str, Any]]) -> list[str]:
    """The tables that these steps append to, once for each time, in order."""
    return [append["table"] for step in steps for append in step["appends"]]


def _last_append(job: dict[str, Any], number: int) -> tuple[str, int]:
    """The table that a step is about, and which of the table's snapshots after its base is the step's."""
    table = job["steps"][number]["appends"][-1]["table"]
    return table, _written(job["steps"][: number + 1]).count(table) - 1


def _take_up(lakehouse: Lakehouse, job: dict[str, Any]) -> int:
    """How many steps an earlier attempt has completed; what else stands in their tables is taken back."""
    steps = job["steps"]
    later = {name: lakehouse.since(name, job["bases"].get(name)) for name in set(_written(steps))}
    places = dict.fromkeys(later, 0)
    done = 0
    for step in steps:
        reached = dict(places)
        for append in step["appends"]:
            name = append["table"]
            if len(later[name]) <= reached[name] or not _is_of(job, step, later[name][reached[name]][1]):
                break
            reached[name] += 1
        else:
            places = reached
            done += 1
            continue
        break
    for name, kept in places.items():
        lakehouse.take_back(name, job["bases"].get(name), kept)
    return done


def _summary(job: dict[str, Any], step: dict[str, Any]) -> dict[str, str]:
    return {
        "run-id": job["run_id"],
        "step": step["name"],
        "objects": ",".join(map(str, step["object_ids"])),
        "retracted": ",".join(map(str, step["retracted"])),
    }


def _is_of(job: dict[str, Any], step: dict[str, Any], found: dict[str, str]) -> bool:
    return all(found.get(f"{PREFIX}{key}", "") == value for key, value in _summary(job, step).items())


def _open_ledger(spark: SparkSession, job: dict[str, Any]) -> None:
    for view in job["ledger"]:
        rows = spark.read.schema(view["schema"]).json(view["path"], mode="FAILFAST")
        _in_driver(spark, rows).createOrReplaceTempView(view["name"])


def _in_driver(spark: SparkSession, rows: DataFrame) -> DataFrame:
    """The same rows as a part of the plans that use them: few, so that nothing need be read or sent for them."""
    java = spark._jsparkSession
    return DataFrame(java.createDataFrame(rows._jdf.collectAsList(), rows._jdf.schema()), spark)


def _in_files(spark: SparkSession, rows: DataFrame, path: str) -> DataFrame:
    """The same rows, computed once. A plan that holds those of all that it reads takes longer to make than to run."""
    # what is read once or twice, and mostly hashes, is not worth a dictionary
    rows.write.mode("overwrite").option("parquet.enable.dictionary", "false").parquet(path)
    return spark.read.schema(rows.schema).parquet(path)


def _stage(spark: SparkSession, job: dict[str, Any], source: str) -> None:
    """Hash the typed rows once, and keep them by column for the steps that read them."""
    staged = job["staged"][source]
    typed = spark.read.schema(staged["schema"]).csv(
        staged["path"], sep="\t", quote="", escape="", lineSep="\n", mode="FAILFAST"
    )
    typed.createOrReplaceTempView("typed_rows")
    _kept_view(spark, job, f"hashed_{source}", staged["hashed"])
    if _kept_view(spark, job, "several", staged["several"]).isEmpty():
        staged_rows = spark.sql(staged["staged_once"])
    else:
        _kept_view(spark, job, f"repeated_{source}", staged["repeated"])
        staged_rows = _in_files(spark, spark.sql(staged["staged"]), f"{job['scratch']}/staged_{source}")
    staged_rows.createOrReplaceTempView(f"all_staged_{source}")


def _kept_view(spark: SparkSession, job: dict[str, Any], name: str, statement: str) -> DataFrame:
    rows = _in_files(spark, spark.sql(statement), f"{job['scratch']}/{name}")
    rows.createOrReplaceTempView(name)
    return rows


def _claim(spark: SparkSession, job: dict[str, Any], step: dict[str, Any]) -> None:
    """The staged rows of the step's objects, which mostly are all that are staged."""
    source, ids = step["source"], step["object_ids"]
    rows = spark.table(f"all_staged_{source}")
    if ids != job["staged"][source]["object_ids"]:
        rows = rows.filter(rows.object_id.isin(ids))
    rows.createOrReplaceTempView(f"staged_{source}")


def _run_step(lakehouse: Lakehouse, job: dict[str, Any], step: dict[str, Any]) -> None:
    spark = lakehouse.spark
    _claim(spark, job, step)
    for name in ("claimed", "retracted"):
        ids = step["object_ids" if name == "claimed" else "retracted"]
        listed = spark.sql("select explode(from_json(:ids, 'array<bigint>')) as object_id", {"ids": json.dumps(ids)})
        listed.createOrReplaceTempView(name)
    parameters = {"loaded_at": job["loaded_at"], "since": step["since"]}
    for view in step["views"]:
        rows = spark.sql(view["statement"], _taken(view["statement"], parameters))
        if view["kept"] == "driver":
            rows = _in_driver(spark, rows)
        elif view["kept"] == "files":
            rows = _in_files(spark, rows, f"{job['scratch']}/{view['name']}_of_{step['appends'][-1]['table']}")
        rows.createOrReplaceTempView(view["name"])
    for append in step["appends"]:
        rows_to_add = spark.sql(append["statement"], _taken(append["statement"], parameters))
        lakehouse.append(append["table"], rows_to_add, _summary(job, step))


def _taken(statement: str, parameters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if f":{name}" in statement}


def main(path: str) -> None:
    """Run the job that stands in a file, and write its result beside it."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    spark = SparkSession.builder.appName(f"c360 {job['run_id']}").getOrCreate()
    result = run_job(spark, job)
    Path(f"{path}.result").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
