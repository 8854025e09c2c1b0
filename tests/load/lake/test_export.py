"""The lake holds exactly what the marts hold, of one instant, and readers never see half an export."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pyarrow
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from functions.common.errors import LakeUnavailableError
from functions.load.lake import export as export_module
from functions.load.lake.export import ExportedTable, export, glue_table, read_manifest
from functions.load.lake.tables import TABLES, LakeError, write_file
from functions.load.plan.run_end import EndedExecution, record_end
from tests.support.csv_files import transactions
from tests.support.lake import LAKE, filled, in_order, lake_rows, mart_rows
from tests.support.night import Night

__all__ = ["filled"]


def exported(night: Night, run_id: str = "run-1", **more: Any) -> list[ExportedTable]:
    """Export as the handler does."""
    with night.connect() as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        return export(connection, night.s3, LAKE, run_id, **{"schema": "masked"} | more)


@pytest.mark.parametrize(("schema", "file_rows"), [("business_vault", 50_000), ("business_vault", 2), ("masked", 2)])
def test_the_lake_holds_what_the_marts_hold(filled: Night, schema: str, file_rows: int) -> None:
    exported(filled, schema=schema, file_rows=file_rows)
    for table in TABLES:
        assert in_order(lake_rows(filled, table.name)) == in_order(mart_rows(filled, table.view, schema)), table.name
    assert {row["first_name"] for row in lake_rows(filled, "customers")} == (
        {"***", None} if schema == "masked" else {'Zoë, "Z"', None}
    )


def test_money_is_decimal_and_instants_are_utc(filled: Night) -> None:
    exported(filled)
    manifest = read_manifest(filled.s3, LAKE) or {}
    key = manifest["tables"]["order_lines"]["files"][0]
    schema = pyarrow.parquet.read_schema(io.BytesIO(filled.s3.get_object(Bucket=LAKE, Key=key)["Body"].read()))
    assert schema.field("total_amount").type == pyarrow.decimal128(38, 18)
    assert schema.field("order_date").type == pyarrow.timestamp("us", "UTC")
    assert schema.field("quantity").type == pyarrow.int64()
    assert manifest["tables"]["order_lines"]["columns"]["total_amount"] == "decimal(38,18)"


def test_order_lines_are_partitioned_by_the_utc_month_of_their_order(filled: Night) -> None:
    [lines] = [each for each in exported(filled) if each.table.name == "order_lines"]
    assert {month: len(keys) for month, keys in lines.files.items()} == {
        "1600-01": 1, "2024-01": 1, "2024-02": 1, "9999-12": 1,
    }  # fmt: skip
    assert all(f"/order_month={month}/" in key for month, keys in lines.files.items() for key in keys)


def test_an_export_that_fails_leaves_the_one_before(filled: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    exported(filled)
    before = read_manifest(filled.s3, LAKE)
    lines = in_order(lake_rows(filled, "order_lines"))
    filled.drop("transactions/dt=2024-01-02/a.csv", transactions({"transaction_id": "T9"}))
    filled.run()

    def failing(path: str, rows: Any) -> dict[str, str]:
        if "/order_lines/" in path:
            raise ClientError({"Error": {"Code": "SlowDown"}}, "PutObject")
        return write_file(path, rows)

    monkeypatch.setattr(export_module, "write_file", failing)
    with pytest.raises(LakeUnavailableError):
        exported(filled, "run-2")
    assert read_manifest(filled.s3, LAKE) == before
    assert in_order(lake_rows(filled, "order_lines")) == lines
    monkeypatch.undo()
    exported(filled, "run-2")
    assert len(lake_rows(filled, "order_lines")) == len(lines) + 1


def test_a_run_whose_export_fails_has_succeeded_all_the_same(filled: Night) -> None:
    [(run_id,)] = filled.rows("select run_id from metadata.load_run")
    now = datetime.now(UTC)
    with filled.connect() as connection:
        ended = EndedExecution(run_id, "arn", "FAILED", now, now, "LakeUnavailableError", None)
        assert not record_end(connection, ended)
    assert filled.rows("select status from metadata.load_run") == [("SUCCEEDED",)]
    assert filled.run()["files"] == [], "nothing is loaded again"


def test_only_the_current_export_and_the_one_before_are_kept(filled: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "_BEING_WRITTEN", timedelta(seconds=-1))
    exports = []
    for number in range(3):
        exported(filled, f"run-{number}")
        exports.append((read_manifest(filled.s3, LAKE) or {})["export"])
    keys = [item["Key"] for item in filled.s3.list_objects_v2(Bucket=LAKE)["Contents"]]
    kept = {key.split("export=")[1].split("/")[0] for key in keys if "export=" in key}
    assert kept == set(exports[1:])
    assert lake_rows(filled, "customers")


def test_what_another_run_may_be_writing_is_left_alone(filled: Night) -> None:
    key = "lake/customers/export=run-other-abcdef/part-00000.parquet"
    filled.s3.put_object(Bucket=LAKE, Key=key, Body=b"")
    exported(filled)
    assert filled.s3.get_object(Bucket=LAKE, Key=key)


def test_older_marts_never_replace_newer_ones(filled: Night) -> None:
    exported(filled)
    before = read_manifest(filled.s3, LAKE)
    with psycopg.connect(filled.admin_url) as connection:
        connection.execute("update metadata.mart_publication set published_at = '2020-01-01'")
    assert exported(filled, "run-2") == []
    assert read_manifest(filled.s3, LAKE) == before


def test_a_number_that_no_decimal_holds_is_named_by_its_column(filled: Night) -> None:
    with psycopg.connect(filled.admin_url) as connection:
        connection.execute("update business_vault.mart_product_analytics set price = 1e30")
    with pytest.raises(LakeError, match="table=products, column=price"):
        exported(filled)
    assert read_manifest(filled.s3, LAKE) is None


def test_a_lake_without_rows_still_has_its_columns(night: Night) -> None:
    night.s3.create_bucket(Bucket=LAKE)
    assert [(each.rows, bool(each.columns)) for each in exported(night)] == [(0, True)] * 3
    assert lake_rows(night, "order_lines") == []


def test_the_catalog_is_pointed_at_all_partitions_in_one_call(filled: Night) -> None:
    tables = {each.table.name: glue_table(each) for each in exported(filled)}
    lines, people = tables["order_lines"], tables["customers"]
    assert lines["PartitionKeys"] == [{"Name": "order_month", "Type": "string"}]
    assert lines["Parameters"]["projection.order_month.values"] == "1600-01,2024-01,2024-02,9999-12"
    assert lines["Parameters"]["storage.location.template"] == (
        lines["StorageDescriptor"]["Location"] + "order_month=${order_month}/"
    )
    assert {"Name": "total_amount", "Type": "decimal(38,18)"} in lines["StorageDescriptor"]["Columns"]
    assert people["PartitionKeys"] == []
    assert people["StorageDescriptor"]["Location"].startswith("s3://the-lake/lake/customers/export=run-1-")
