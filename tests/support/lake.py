"""A lake beside a published night, and its rows as a user reads them."""

import io
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow.parquet
import pytest

from functions.load.lake.export import read_manifest
from tests.support.csv_files import customers, products, transactions
from tests.support.night import Night

LAKE = "the-lake"


@pytest.fixture
def filled(night: Night) -> Iterator[Night]:
    """A published night with awkward values, and an empty lake."""
    night.s3.create_bucket(Bucket=LAKE)
    night.drop("customers/dt=2024-01-01/a.csv", customers(
        {"customer_id": "C1", "first_name": "Zoë, \"Z\"", "city": "", "signup_date": "0001-01-01"},
        {"customer_id": "C2", "signup_date": "9999-12-31"},
    ))  # fmt: skip
    night.drop("products/dt=2024-01-01/a.csv", products({"product_id": "P1", "price": "0.000000000000000001"}))
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(
        {"transaction_id": "T1", "order_date": "2024-01-31T23:59:59.999999Z", "total_amount": "123456789012345.12"},
        {"transaction_id": "T2", "order_date": "2024-02-01T00:30:00+01:00", "quantity": "-3", "total_amount": "-0.10"},
        {"transaction_id": "T3", "order_date": "2024-02-01", "customer_id": "", "payment_method": ""},
        {"transaction_id": "T4", "order_date": "9999-12-31T23:59:59Z", "quantity": "999999999999999"},
        {"transaction_id": "T5", "order_date": "1600-01-01"},
    ))  # fmt: skip
    night.run()
    yield night
    for item in night.s3.list_objects_v2(Bucket=LAKE).get("Contents", []):
        night.s3.delete_object(Bucket=LAKE, Key=item["Key"])


def lake_rows(night: Night, table: str) -> list[dict[str, Any]]:
    """The rows of a table, read as a user reads them: the files that the manifest lists."""
    manifest = read_manifest(night.s3, LAKE)
    assert manifest is not None
    rows: list[dict[str, Any]] = []
    for key in manifest["tables"][table]["files"]:
        body = night.s3.get_object(Bucket=LAKE, Key=key)["Body"].read()
        rows += pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
    assert len(rows) == manifest["tables"][table]["rows"]
    return rows


def mart_rows(night: Night, view: str, schema: str) -> list[dict[str, Any]]:
    with psycopg.connect(night.admin_url, options="-c timezone=UTC") as connection:
        cursor = connection.execute(f"select * from {schema}.{view}".encode())
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as comparable text: the exact value and the type of each."""

    def shown(value: Any) -> str:
        if isinstance(value, Decimal):
            return f"number {value.normalize():f}"
        if isinstance(value, datetime):
            return f"instant {value.timestamp():f} {value.utcoffset()}"
        return repr(value)

    return sorted(json.dumps({name: shown(value) for name, value in row.items()}) for row in rows)
