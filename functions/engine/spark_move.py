"""The part of moving a vault that runs in Spark: tables are filled with the rows carried here, and all are added up.

Runs in Spark's own environment, with spark_job.py beside it. A job (functions/engine/vault_move.py) names the tables.
"""

from __future__ import annotations

import importlib
from typing import Any

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as f

_STEP = "moved"
_UNITS = 18  # digits after the point

_TYPED = {
    "binary": "unhex({})",
    "date": "date_from_unix_date(cast({} as int))",
    "timestamp": "timestamp_micros(cast({} as bigint))",
}
_TEXTS = {
    "binary": "lower(hex({}))",
    "date": "cast(unix_date({}) as string)",
    "timestamp": "cast(unix_micros({}) as string)",
}


def move(spark: SparkSession, job: dict[str, Any], folder: str) -> dict[str, Any]:
    """By table: its snapshot, and what it adds up to. Where Spark is to keep the vault, the tables are filled first.

    A table that this run has filled already is left as it is.
    """
    spark_job: Any = importlib.import_module("spark_job")
    lakehouse = spark_job.Lakehouse(spark)
    spark.sql(job["namespace"])
    tables = {}
    for table in job["tables"]:
        name = table["name"]
        if job["engine"] == "postgresql" and table["snapshot"] is None:
            continue  # never written
        if job["engine"] == "spark":
            lakehouse.create(name, table["statement"], table["first_rows"])
        kinds = dict(spark.table(f"{lakehouse.namespace}.{name}").dtypes)
        if sorted(kinds) != table["columns"]:
            raise spark_job.TableStateError(
                f"table {name} has other columns than PostgreSQL's: alter the Iceberg table, or drop it if PostgreSQL"
                " keeps the vault, then migrate again"
            )
        if job["engine"] == "spark" and not _is_filled(lakehouse, job, name):
            _fill(spark, lakehouse, job, table, kinds, folder)
        snapshot = lakehouse.head(name) if job["engine"] == "spark" else table["snapshot"]
        tables[name] = {"snapshot": snapshot, "figures": _figures(spark, lakehouse, table, kinds, snapshot)}
    return {"tables": tables}


def _is_filled(lakehouse: Any, job: dict[str, Any], name: str) -> bool:
    summary = dict(lakehouse.table(name).currentSnapshot().summary())
    return (summary.get("c360.run-id"), summary.get("c360.step")) == (job["run_id"], _STEP)


def _fill(
    spark: SparkSession, lakehouse: Any, job: dict[str, Any], table: dict[str, Any], kinds: dict[str, str], folder: str
) -> None:
    """Put the rows that were carried, and a hub's zero key, in place of all that the table holds, as one snapshot."""
    schema = ", ".join(f"`{name}` string" for name in kinds)
    if table["files"]:
        carried = spark.read.schema(schema).json([f"{folder}/{name}" for name in table["files"]], mode="FAILFAST")
    else:
        carried = spark.createDataFrame([], schema)
    typed = [
        f"{_TYPED.get(kind, f'cast({{}} as {kind})').format(f'`{name}`')} as `{name}`" for name, kind in kinds.items()
    ]
    rows = carried.selectExpr(*typed)
    if table["first_rows"] is not None:
        rows = rows.unionByName(spark.sql(table["first_rows"]))
    writer = rows.writeTo(f"{lakehouse.namespace}.{table['name']}")
    for key, value in (("run-id", job["run_id"]), ("step", _STEP)):
        writer = writer.option(f"snapshot-property.c360.{key}", value)
    writer.overwrite(f.lit(True))


def _figures(
    spark: SparkSession, lakehouse: Any, table: dict[str, Any], kinds: dict[str, str], snapshot: int
) -> dict[str, Any]:
    """As functions/engine/figures.py computes them."""
    reader = spark.read.format("iceberg").option("snapshot-id", str(snapshot))
    rows = reader.load(f"{lakehouse.namespace}.{table['name']}")
    rows = rows.filter("record_source > 0")
    if table["since"] is not None:
        rows = rows.filter(f"unix_micros(effective_at) >= {table['since']}")
    hashed = rows.select(f.sha2(_line(kinds), 256).alias("hash"), *table["measures"])
    sums = [f.coalesce(f.sum(f.col(name).cast(f"decimal(38,{_UNITS})")), f.lit(0)) for name in table["measures"]]
    first, second = (f.sum(f.conv(f.substring("hash", start, 15), 16, 10).cast("decimal(20,0)")) for start in (1, 16))
    count, *hashes_and_sums = hashed.agg(f.count("*"), first, second, *sums).first() or (0, 0, 0)
    return {
        "rows": int(count),
        "hashes": [int(each or 0) for each in hashes_and_sums[:2]],
        "sums": {name: _units(each) for name, each in zip(table["measures"], hashes_and_sums[2:])},  # noqa: B905 (3.9)
    }


def _line(kinds: dict[str, str]) -> Column:
    texts = [f.expr(_text(name, kinds[name])) for name in sorted(kinds)]
    parts = [f.coalesce(f.concat(f.octet_length(text).cast("string"), f.lit(":"), text), f.lit("-")) for text in texts]
    return f.concat(*parts)


def _text(name: str, kind: str) -> str:
    if kind.startswith("decimal"):
        # without the zeros at its end that the table's type has added
        return rf"regexp_replace(cast(`{name}` as string), '\\.?0+$', '')"
    return _TEXTS.get(kind, "cast({} as string)").format(f"`{name}`")


def _units(value: Any) -> int:
    """A number of 18 digits after its point, as that many of the last one."""
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits)) + "0" * (_UNITS + exponent))
    return -number if sign else number
