"""Runs in Spark's own environment: jobs one after another in one session, as their start takes longer than their work.

A line of its input is a request: {"job"} runs the job of a file, {"folder"} that of a folder, as Spark's main file
does, {"dump"} answers the rows of tables as of snapshots, {"history"} the snapshots of tables with the steps that made
them, {"sql"} runs a statement, {"roll_back", "to"} makes a table what it was. A line of its output is the answer.
"""

import importlib.util
import json
import sys
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession


def _module(name: str) -> Any:
    specification = importlib.util.spec_from_file_location(name, Path(sys.argv[1]).with_name(f"{name}.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


spark_job = _module("spark_job")
spark_main = _module("spark_main")
_module("spark_maintenance")
_module("spark_move")

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def shown(value: Any) -> Any:
    """A value as JSON, the same as tests/support/lakehouse.py writes PostgreSQL's."""
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat()


def history(table: Any) -> list[tuple[int, str]]:
    """The snapshots that led to a table's present one, oldest first, each with the step that made it."""
    found = []
    snapshot = table.currentSnapshot()
    while snapshot is not None:
        found.append((int(snapshot.snapshotId()), dict(snapshot.summary()).get("c360.step", "")))
        parent = snapshot.parentId()
        snapshot = None if parent is None else table.snapshot(parent)
    return found[::-1]


def answer(request: dict[str, Any]) -> Any:
    """What the request asks for."""
    if "job" in request:
        with open(request["job"], encoding="utf-8") as file:  # noqa: PTH123
            return spark_job.run_job(spark, json.load(file))
    if "folder" in request:
        return spark_main.run(spark, request["folder"])
    lakehouse = spark_job.Lakehouse(spark)
    if "history" in request:
        return {name: history(lakehouse.table(name)) for name in request["history"]}
    if "sql" in request:
        spark.sql(request["sql"])
        return None
    if "roll_back" in request:
        lakehouse.table(request["roll_back"]).manageSnapshots().rollbackTo(request["to"]).commit()
        return None
    found = {}
    for name, snapshot in request["dump"].items():
        as_of = "" if snapshot is None else f" version as of {snapshot}"
        table = spark.sql(f"select * from lake.raw_vault.{name}{as_of}")
        values = [f"unix_micros({each}) as {each}" if kind == "timestamp" else each for each, kind in table.dtypes]
        rows = table.selectExpr(*values).collect()
        found[name] = [{key: shown(value) for key, value in row.asDict().items()} for row in rows]
    return found


answers = sys.stdout
sys.stdout = sys.stderr
print("ready", file=answers, flush=True)
for line in sys.stdin:
    try:
        reply = {"answer": answer(json.loads(line))}
    except Exception as error:  # noqa: BLE001 (the tests are to say it)
        reply = {"error": f"{error.__class__.__name__}: {error}\n{traceback.format_exc()}"}
    print(json.dumps(reply), file=answers, flush=True)
