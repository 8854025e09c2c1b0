"""What Spark starts with: the job in a folder, done, with its result and the rows that it appended beside it.

This module runs in Spark's own environment, as spark_job.py does, and needs nothing of ours but that. The folder may be
S3's or this machine's: it is read and written by Hadoop's file systems.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

RESULT_FILE = "result.json"
NAMESPACE_SETTING = "spark.c360.namespace"
_OTHER_KINDS = {"maintenance": ("spark_maintenance", "maintain"), "move": ("spark_move", "move")}
"""Of jobs that are no load: the module beside this one, and its function."""


def run(spark: SparkSession, folder: str) -> dict[str, Any]:
    """Do the job of a folder; write its result there, and return it.

    Beside what run_job answers of a load, `appended` says of each table which columns its new rows have, and how many
    they are; they lie in `<folder>/appended/<table>`, as lines of PostgreSQL's COPY.
    """
    spark_job: Any = importlib.import_module("spark_job")
    namespace = f"lake.{spark.conf.get(NAMESPACE_SETTING, 'raw_vault')}"
    text = spark.read.text(f"{folder}/job.json", wholetext=True).first()[0]
    job = json.loads(text.replace(spark_job.NAMESPACE, namespace))
    spark_job.NAMESPACE = namespace
    if (kind := job.get("kind")) is not None:
        module, function = _OTHER_KINDS[kind]
        result: dict[str, Any] = getattr(importlib.import_module(module), function)(spark, job, folder)
    else:
        result = _load(spark, spark_job, job, namespace, folder)
    _write(spark, f"{folder}/{RESULT_FILE}", json.dumps(result))
    return result


def _load(spark: SparkSession, spark_job: Any, job: dict[str, Any], namespace: str, folder: str) -> dict[str, Any]:
    """Do the job of a load, and write the rows that it appended."""
    result: dict[str, Any] = spark_job.run_job(spark, job)
    lakehouse = spark_job.Lakehouse(spark)
    result["appended"] = {}
    for table, snapshot in result["snapshots"].items():
        since = lakehouse.since(table, job["bases"].get(table))
        count = sum(int(summary.get("added-records", 0)) for _, summary in since)
        if count:
            before = lakehouse.table(table).snapshot(since[0][0]).parentId()
            rows = _appended(spark, f"{namespace}.{table}", before, snapshot)
            rows.select(copy_line(rows)).write.mode("overwrite").text(f"{folder}/appended/{table}")
            result["appended"][table] = {"columns": rows.columns, "rows": count}
    return result


def _appended(spark: SparkSession, table: str, after: int, until: int) -> DataFrame:
    """The rows of the snapshots after one, up to another."""
    reader = spark.read.format("iceberg").option("start-snapshot-id", str(after))
    return reader.option("end-snapshot-id", str(until)).load(table)


def copy_line(rows: DataFrame) -> Column:
    r"""A row as a line of COPY's text format: values with a tab between them, \N where there is none."""
    values = [f.coalesce(_written(f.col(f"`{name}`"), kind), f.lit("\\N")) for name, kind in rows.dtypes]
    return f.concat_ws("\t", *values).alias("value")


def _written(column: Column, kind: str) -> Column:
    """A value as PostgreSQL reads it; NULL stays NULL."""
    if kind == "binary":
        return f.concat(f.lit("\\\\x"), f.hex(column))
    if kind in ("timestamp", "date"):
        return _instant(column, "+00" if kind == "timestamp" else "")
    if kind.startswith("decimal"):
        # without the zeros at its end that the table's type has added
        return column.cast("string") if kind.endswith(",0)") else _trimmed(column)
    if kind != "string":
        return column.cast("string")
    for character, escape in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        column = f.replace(column, f.lit(character), f.lit(escape))
    return column


def _trimmed(column: Column) -> Column:
    return f.regexp_replace(column.cast("string"), r"\.?0+$", "")


def _instant(column: Column, zone: str) -> Column:
    """Years before the first are counted from it backwards in PostgreSQL; those after 9999 have no sign there."""
    text = column.cast("string")
    counted = f.lpad((1 - f.year(column)).cast("string"), 4, "0")
    before = f.concat(counted, f.substring(text, 5, 30), f.lit(f"{zone} BC"))
    after = f.concat(f.ltrim(f.replace(text, f.lit("+"), f.lit(" "))), f.lit(zone))
    return f.when(f.year(column) < 1, before).otherwise(after)


def _write(spark: SparkSession, uri: str, text: str) -> None:
    path = spark._jvm.org.apache.hadoop.fs.Path(uri)
    system = path.getFileSystem(spark._jsc.hadoopConfiguration())
    stream = system.create(path, True)
    try:
        stream.write(bytearray(text, "utf-8"))
    finally:
        stream.close()


if __name__ == "__main__":
    run(SparkSession.builder.appName("c360 vault").getOrCreate(), sys.argv[1])
