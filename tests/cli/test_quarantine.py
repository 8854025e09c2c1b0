"""c360 quarantine: rows are listed, exported, corrected and replayed, and land where they would have been."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.deployment import Deployment
from cli.files import quarantine_replay
from functions.load import handler
from functions.model.reading import parse_model
from tests.support.command_line import C360
from tests.support.database_state import versions
from tests.support.edited_model import REAL, edited
from tests.support.lambda_context import handler_signed_in, lambda_context
from tests.support.night import BUCKET, Night, role_url
from tests.support.night_fixtures import migrated_database, migrated_template, night, s3_client

__all__ = ["migrated_database", "migrated_template", "night", "s3_client"]

HEADER = "customer_id,first_name,city\n"
MORNING = "customers/dt=2024-01-01/shop.csv"
CORRECTED = f"landing/{MORNING}.replay-"


class LoadFunction:
    """Lambda's `invoke`, answered by the handler in this process, through JSON as Lambda does it."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "load-function"
        try:
            answer = handler.handle(json.loads(Payload), lambda_context())
        except Exception as error:  # noqa: BLE001 - any failure of a function is an answer of Lambda
            failure = {"errorMessage": str(error), "errorType": type(error).__name__}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failure).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def shop(night: Night, deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """A night in which two files had bad rows."""
    made = deploy(landing_bucket=BUCKET)
    made.__dict__ |= {
        "s3": night.s3,
        "functions": LoadFunction(),
        "stack_outputs": {"LoadFunctionName": "load-function"},
    }
    night.drop(MORNING, HEADER + "C1,Ann,Rome\n,Bea,Oslo\nC3,Cat,Pisa,Bari\n")
    night.drop("customers/dt=2024-01-02/shop.csv", HEADER + "C2,Bea,Bonn\n")
    night.drop("products/dt=2024-01-01/p.csv", "product_id,price\nP1,cheap\n")
    night.run("run-1")
    with handler_signed_in(role_url(night.admin_url, "c360_loader"), monkeypatch):
        yield night


def test_rows_are_found_by_file_rule_and_run(c360: C360, shop: Night) -> None:
    def listed(*options: str) -> list[tuple[int, str, int]]:
        rows = c360("quarantine", "list", "--json", *options).json["rows"]
        return [(row["quarantine_id"], row["reasons"][0], row["line"]) for row in rows]

    everything = listed()
    first, second, third = everything
    assert [row[1:] for row in everything] == [("customer_id.required", 3), ("row.field_count", 4), ("price.type", 2)]
    assert listed("--file", f"landing/{MORNING}") == listed("--file", "shop.csv") == [first, second]
    assert listed("--file", "hop.csv") == listed("--rule", "price_") == listed("--run", "run-2") == []
    assert listed("--rule", "price") == listed("--rule", "price.type") == [third]
    assert listed("--run", "run-1") == everything
    page = c360("quarantine", "list", "--json", "--limit", "2").json
    assert (len(page["rows"]), page["next"]) == (2, second[0])
    assert listed("--after", str(second[0])) == [third]
    people = c360("quarantine", "list")
    assert "customer_id.required" in people.stdout
    assert "Bea" not in people.stdout


def test_a_row_is_shown_with_its_cells_or_its_text(c360: C360, shop: Night) -> None:
    first, second, _ = c360("quarantine", "list", "--json").json["rows"]
    whole = c360("quarantine", "show", str(first["quarantine_id"]), "--json").json["row"]
    assert whole["raw"] | {"first_name": "Bea", "city": "Oslo", "customer_id": None} == whole["raw"]
    assert first == whole | {"raw": whole["raw"] | {"first_name": "***"}}
    assert second["raw_text"] == "***"
    shown = c360("quarantine", "show", str(second["quarantine_id"]))
    assert "C3,Cat,Pisa,Bari" in shown.stdout
    missing = c360("quarantine", "show", "99999999", "--json")
    assert (missing.status, missing.json["error"]["code"]) == (2, "usage")


def export(c360: C360, *options: str) -> list[dict[str, str]]:
    wrote = c360("quarantine", "export", "-o", "wrong.csv", *options)
    assert wrote.status == 0, wrote.stderr
    with Path("wrong.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def correct(rows: list[dict[str, str]]) -> None:
    with Path("right.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


def test_a_corrected_row_replays_into_the_vault_at_its_original_instant(c360: C360, shop: Night) -> None:
    rows = export(c360, "--source", "customers")
    assert [row["_line"] for row in rows] == ["3", "4"]
    assert (rows[1]["_raw_text"], rows[1]["customer_id"]) == ("C3,Cat,Pisa,Bari", "")
    rows[0]["customer_id"] = "C2"
    correct(rows)
    replayed = c360("quarantine", "replay", "right.csv", "--json").json
    (file,) = replayed["files"]
    assert file["key"].startswith(CORRECTED)
    assert (file["rows"], file["status"]) == (2, "uploaded")
    assert c360("quarantine", "replay", "right.csv", "--json").json["files"] == [file | {"status": "unchanged"}]
    (loaded,) = shop.run("run-2")["files"]
    assert (loaded["loaded"], loaded["quarantined"], loaded["unknown_columns"]) == (1, 1, [])
    assert versions(shop, "sat_customer_details", "hub_customer", "city", "effective_at::date::text") == [
        ("C1", "Rome", "2024-01-01"),
        ("C2", "Oslo", "2024-01-01"),
        ("C2", "Bonn", "2024-01-02"),
    ]
    still = c360("quarantine", "list", "--json", "--file", file["key"]).json["rows"]
    assert [row["reasons"] for row in still] == [["customer_id.required"]], "what is still wrong is a new row"
    replays = c360("quarantine", "list", "--all", "--json", "--run", "run-1").json["rows"]
    assert [row["replayed_by"] for row in replays] == [file["key"], file["key"], None]
    again = c360("quarantine", "replay", "right.csv", "--json").json
    assert (again["files"], again["left_out"]) == ([], 2)


def test_a_correction_goes_back_in_the_dialect_of_its_source(
    c360: C360, shop: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect = {"delimiter": ";", "decimal": ",", "encoding": "cp1252"}
    shop.model = parse_model(edited("sources.products", REAL["sources"]["products"] | dialect))
    monkeypatch.setattr(quarantine_replay, "load_model", lambda: shop.model)
    shop.drop("products/dt=2024-02-01/q.csv", "product_id;supplier;price\nP1;Jürgen;1.000,5x\n".encode("cp1252"))
    shop.run("run-2")
    (row,) = export(c360, "--file", "q.csv")
    assert (row["supplier"], row["price"]) == ("Jürgen", "1.000,5x")
    correct([row | {"price": "1.000,50", "supplier": "中"}])
    refused = c360("quarantine", "replay", "right.csv")
    assert refused.status != 0
    assert "'中'" in refused.stderr
    correct([row | {"price": "1.000,50"}])
    c360("quarantine", "replay", "right.csv", "--json")
    assert [file["loaded"] for file in shop.run("run-3")["files"]] == [1]
    assert versions(shop, "sat_product_details", "hub_product", "price::text", "supplier") == [
        ("P1", "1000.50", "Jürgen")
    ]


def test_a_correction_comes_right_after_its_file_and_never_makes_a_snapshot(c360: C360, shop: Night) -> None:
    """Of several files of one instant the later one rules; of a complete list the corrected customer is a part."""
    shop.drop("customers/snapshot/dt=2024-01-03/all.csv", HEADER + "C1,Ann,Rome\nC2,Bea\n")
    shop.drop("customers/snapshot/dt=2024-01-03/later.csv", HEADER + "C1,Ann,Rome\nC2,Bea,Lima\n")
    shop.run()
    (row,) = export(c360, "--file", "all.csv")
    row |= {"customer_id": "C2", "first_name": "Bea", "city": "Kiel"}
    correct([row])
    c360("quarantine", "replay", "right.csv")
    shop.run()
    history = versions(shop, "sat_customer_details", "hub_customer", "city")
    assert [city for key, city in history if key == "C2"][-2:] == ["Kiel", "Lima"]
    assert shop.rows("select is_snapshot from metadata.object_version where object_key like '%replay-%'") == [(False,)]


def test_a_row_of_a_file_without_a_day_keeps_the_instant_of_its_upload(c360: C360, shop: Night) -> None:
    shop.drop("customers/now.csv", HEADER + "C9,Zoe\n")
    shop.run()
    (row,) = export(c360, "--file", "now.csv")
    correct([row | {"customer_id": "C9", "city": "Linz"}])
    c360("quarantine", "replay", "right.csv")
    (loaded,) = shop.run()["files"]
    assert loaded["loaded"] == 1
    assert "/at=" in loaded["key"]
    ((same, marked),) = shop.rows(
        "select s.effective_at = o.uploaded_at, q.replayed_by = s.record_source"
        " from raw_vault.sat_customer_details as s join raw_vault.hub_customer as h using (customer_hash_key),"
        " metadata.object_version as o join metadata.quarantine as q using (object_id)"
        " where h.customer_id = 'C9' and o.object_key = 'landing/customers/now.csv'"
    )
    assert (same, marked) == (True, True)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("customer_id;_quarantine_id\nC1;1\n", "saved as CSV with commas"),
        ("customer_id,_quarantine_id\nC1,one\n", "is not the id of a row"),
        ("customer_id,_quarantine_id\nC1,1\nC2,1\n", "comes a second time"),
        ("customer_id,_quarantine_id\nC1,2,a\n", "another number of cells"),
        ("customer_id,_quarantine_id\nC1,99999999\n", "there is no row 99999999"),
        ('customer_id,_quarantine_id\n"C1,1\n', "cannot read"),
    ],
)
def test_what_is_no_corrected_export_is_refused_and_nothing_is_dropped(
    c360: C360, shop: Night, content: str, why: str
) -> None:
    Path("right.csv").write_text(content)
    before = shop.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]
    finished = c360("quarantine", "replay", "right.csv", "--json")
    assert finished.status != 0
    assert why in finished.json["error"]["message"]
    assert shop.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == before


def test_rows_of_several_sources_are_exported_one_by_one(c360: C360, shop: Night) -> None:
    refused = c360("quarantine", "export", "-o", "wrong.csv", "--json")
    assert "choose with --source" in refused.json["error"]["message"]
    report = c360("quarantine", "export", "-o", "wrong.csv", "--source", "products", "--json").json
    assert (report["rows"], report["source"]) == (1, "products")
    text = c360("quarantine", "export", "--source", "products").stdout
    assert (
        text.splitlines()[0]
        == "product_id,product_name,category,price,cost,supplier,_quarantine_id,_file,_line,_reasons,_raw_text"
    )
    assert c360("quarantine", "export", "--json").status == 2


def test_a_rejected_file_that_is_dropped_again_is_judged_again(c360: C360, shop: Night) -> None:
    key = "customers/dt=2024-01-05/x.csv"
    shop.drop(key, "first_name\nAnn\n")
    assert shop.run()["files"][0]["status"] == "REJECTED"
    shop.drop(key, "first_name\nAnn\n")
    assert shop.run()["files"][0]["status"] == "REJECTED"
    shop.drop(key, HEADER + "C7,Ann,Graz\n")
    assert shop.run()["files"][0]["status"] == "LOADED"


def test_a_file_of_another_instant_marks_no_row_as_replayed(c360: C360, shop: Night) -> None:
    before = c360("quarantine", "list", "--json").json["rows"]
    header, row = HEADER.strip(), "," * HEADER.count(",")
    named = f"C5{row},{before[0]['quarantine_id']}\nC6{row},junk\nC7{row},\n"
    shop.drop("customers/dt=2024-01-09/x.csv", f"{header},_quarantine_id\n{named}")
    (file,) = shop.run()["files"]
    assert (file["loaded"], file["unknown_columns"]) == (3, [])
    assert c360("quarantine", "list", "--json").json["rows"] == before
