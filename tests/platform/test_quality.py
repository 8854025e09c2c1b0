"""A held list through the real Step Functions, and the lake on the real S3 of LocalStack."""

import io
import json
from typing import Any

import boto3
import psycopg
import pyarrow.parquet
import pytest

from functions.load.lake.export import export, read_manifest
from tests.support.csv_files import customers
from tests.support.platform import Platform


def listed(count: int) -> bytes:
    """A complete list of `count` customers."""
    return customers(*({"customer_id": f"SNAPSHOT-{number}", "first_name": "Ann"} for number in range(count))).encode()


def drop(platform: Platform, key: str, body: bytes) -> None:
    platform.client("s3").put_object(Bucket=platform.outputs.landing_bucket, Key=key, Body=body)


def test_a_list_that_would_delete_too_much_waits_alone_until_somebody_accepts_it(platform: Platform) -> None:
    drop(platform, "landing/customers/snapshot/dt=2026-12-01/all.csv", listed(40))
    platform.json("run", "--wait", "--accept-deletions")  # of other tests' customers
    key = "landing/customers/snapshot/dt=2026-12-02/all.csv"
    drop(platform, key, listed(20))
    done = platform.c360("run", "--wait", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"], report["held"]) == (0, "SUCCEEDED", 1)
    (file,) = report["files"]
    assert (file["status"], file["loaded"]) == ("HELD", 0)
    assert "20 of 40 keys deleted" in file["reason"]
    assert platform.rows(
        "select passed, measured from metadata.quality_result"
        f" where run_id = '{report['run_id']}' and rule = 'customers.snapshot'"
    ) == [(False, 20)]
    (held,) = platform.json("lists", "list")["held"]
    assert held["key"] == key
    accepted = platform.json("lists", "accept", key)
    assert [(file["status"], file["loaded"] + file["unchanged"]) for file in accepted["files"]] == [("LOADED", 20)]
    assert platform.json("lists", "list")["held"] == []


def test_a_file_is_explained_and_taken_back_and_only_the_object_that_replaces_it_counts(platform: Platform) -> None:
    key = "landing/products/dt=2026-11-01/retracted.csv"
    price = "select price::text from business_vault.vw_product_analytics where product_id = 'RETRACTED'"
    drop(platform, key, b"product_id,product_name,category,price,cost,supplier\nRETRACTED,a,b,1.00,1,c\n")
    platform.json("run", "--wait")
    drop(platform, key, b"product_id,product_name,category,price,cost,supplier\nRETRACTED,a,b,2.00,1,c\n")
    platform.json("run", "--wait")
    versions = platform.json("explain-file", key)["versions"]
    assert [(each["retraction"], each["outcome"]["rows"]["in_force"]) for each in versions] == [
        (None, "1"),
        ("REPLACED", "0"),
    ]
    assert platform.rows(price) == [("2.00",)]
    assert platform.json("retract", key)["status"] == "SUCCEEDED"
    assert [each["retraction"] for each in platform.json("explain-file", key)["versions"]] == ["RETRACTED", "REPLACED"]


def test_a_night_without_files_publishes_and_is_quick(platform: Platform) -> None:
    empty = platform.json("run", "--wait")
    assert (empty["status"], empty["files"]) == ("SUCCEEDED", [])
    assert {"mart_customer_360"} <= {step["step"] for step in empty["steps"]}
    assert empty["seconds"] < 10, "3 s on a machine of its own"


def test_the_lake_is_written_to_the_real_s3(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": platform.outputs.aws_endpoint_url or "",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": platform.outputs.region,
    }.items():
        monkeypatch.setenv(name, value)
    s3: Any = platform.client("s3")
    s3.create_bucket(Bucket="lake-of-a-test")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with psycopg.connect(platform.outputs.database_url or "") as connection:
        connection.execute("set transaction isolation level repeatable read")
        export(connection, s3, "lake-of-a-test", "run-of-a-test", schema="masked")
    manifest = read_manifest(s3, "lake-of-a-test") or {}
    totals = []
    for key in manifest["tables"]["order_lines"]["files"]:
        body = s3.get_object(Bucket="lake-of-a-test", Key=key)["Body"].read()
        totals += pyarrow.parquet.read_table(io.BytesIO(body)).column("total_amount").to_pylist()
    assert platform.rows("select count(*), coalesce(sum(total_amount), 0) from business_vault.vw_order_analytics") == [
        (len(totals), sum(totals))
    ]
