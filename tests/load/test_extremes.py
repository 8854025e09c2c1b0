"""Whatever staging accepts can be published, read, exported and replayed; whatever it cannot take is in quarantine."""

import csv
import io
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.files.quarantine_replay import read_corrected
from functions.api.app import create_app
from functions.load.lake.tables import TABLES, read_chunks, write_file
from functions.load.marts.rebuild import rebuild
from functions.model.reading import load_model
from tests.support.csv_files import COLUMNS, LINE, customers, products, transactions, write_csv
from tests.support.database_state import everything
from tests.support.edited_model import edited, wrong_with
from tests.support.night import BUCKET, Night, role_url
from tests.support.served_api import served, settings_for

RANDOM = random.Random(7)
LETTERS = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x17F), *range(0x4E00, 0x4F00))]


def text_of(size: int) -> str:
    """Text of so many bytes that no compression makes smaller."""
    text = "".join(RANDOM.choices(LETTERS, k=size // 3))
    return text + "x" * (size - len(text.encode()))


def values_of(source: str, name: str) -> tuple[list[str], list[str]]:
    """Values of a column that are just accepted, and such as just are not."""
    column = load_model().sources[source].columns[name]
    match column.type:
        case "text":
            return [text_of(column.length), "\x01" * column.length], [text_of(column.length + 1), text_of(140_000)]
        case "date":
            return ["0001-01-01", "9999-12-31"], ["0000-12-31", "10000-01-01"]
        case "timestamp":
            return ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"], ["10000-01-01T00:00:00Z"]
        case "decimal":
            return ["999999999999999.99", "-999999999999999", "0." + "1" * 400], ["1000000000000000", "-" + "9" * 400]
        case _ if name in load_model().sources[source].measures:
            return ["999999999999999", "-999999999999999"], ["9223372036854775807"]
        case _:
            return ["9000000000000000000", "-9223372036854775808"], ["9000000000000000001", "9223372036854775808"]


KEYS = {"customers": "customer_id", "products": "product_id", "transactions": "transaction_id"}


def rows_of(source: str, name: str, values: list[str]) -> list[dict[str, str]]:
    base = LINE if source == "transactions" else {}
    return [{**base, KEYS[source]: f"{name}{number}", name: value} for number, value in enumerate(values)]


def walk(client: Any, path: str) -> int:
    """How many items following `next` leads to, few at a time."""
    answer, items = client.get(path, params={"limit": 4}), 0
    while True:
        assert answer.status_code == 200, answer.text
        items += len(answer.json()["items"])
        if answer.json()["next"] is None:
            return items
        answer = client.get(answer.json()["next"])


@pytest.mark.parametrize("source", COLUMNS)
def test_values_at_their_limits_pass_and_those_beyond_are_set_aside(night: Night, tmp_path: Path, source: str) -> None:
    limits = {name: values_of(source, name) for name in COLUMNS[source].split(",")}
    rows = [row for name, (good, bad) in limits.items() for row in rows_of(source, name, [*good, *bad])]
    good = [value for values, _ in limits.values() for value in values]
    bad = [value for _, values in limits.values() for value in values]
    night.drop(f"{source}/dt=2024-01-01/a.csv", write_csv(COLUMNS[source].split(","), rows))
    (file,) = night.run()["files"]
    assert (file["status"], file["loaded"], file["quarantined"]) == ("LOADED", len(good), len(bad))
    with night.connect() as connection:
        for table in TABLES:
            for chunk in read_chunks(connection, table, "business_vault"):
                write_file(f"s3://{BUCKET}/lake/{table.name}.parquet", chunk.rows)
    exported = io.StringIO()
    names = ["_quarantine_id", *COLUMNS[source].split(",")]
    writer = csv.DictWriter(exported, names, restval="", extrasaction="ignore")
    writer.writeheader()
    for quarantine_id, raw in night.rows("select quarantine_id, raw from metadata.quarantine"):
        writer.writerow({"_quarantine_id": quarantine_id, **raw})
    (tmp_path / "rejected.csv").write_text(exported.getvalue(), encoding="utf-8")
    assert len(read_corrected(tmp_path / "rejected.csv").rows) == len(bad)
    with served(create_app(settings_for(role_url(night.admin_url, "c360_api")))) as client:
        for path in ("/customers", "/products", "/orders"):
            walk(client, path)
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics/revenue-by-category").status_code == 200
    night.drop("customers/dt=2024-01-02/a.csv", customers({"customer_id": "later"}))
    assert night.run()["totals"]["loaded"] == 1
    before = everything(night)
    with night.connect() as connection:
        rebuild(connection)
    assert everything(night) == before


def test_sums_of_the_largest_measures_are_published_and_read(night: Night) -> None:
    most = {"quantity": "999999999999999", "total_amount": "999999999999999.99"}
    lines = [{**most, "transaction_id": f"T{number}"} for number in range(50)]
    night.drop("products/dt=2024-01-01/a.csv", products({"product_id": "P1", "category": "Books"}))
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(*lines))
    night.run()
    with served(create_app(settings_for(role_url(night.admin_url, "c360_api")))) as client:
        (books,) = client.get("/metrics/revenue-by-category").json()["items"]
    assert books["quantity"] == 50 * 999_999_999_999_999
    assert Decimal(str(books["revenue"])) > 0


def test_a_longer_text_may_be_declared_where_no_index_holds_it() -> None:
    assert wrong_with(edited("sources.customers.columns.country", {"type": "text", "length": 5000})) == [
        ("sources.customers.columns.country.length", "readers find rows by it: at most 1000 bytes")
    ]
