"""Files of other dialects: what a source declares is read, kept in quarantine as delivered, and corrected as such."""

from typing import Any

import pytest

from functions.load.staging.quarantine import RowFilter, find_rows
from functions.model.reading import parse_model
from tests.support.database_state import published
from tests.support.edited_model import REAL, edited, wrong_with
from tests.support.night import Night

GERMAN: dict[str, Any] = {
    "delimiter": ";",
    "decimal": ",",
    "encoding": "cp1252",
    "date_format": "DD.MM.YYYY",
    "null_values": ["NULL", r"\N", "n/a"],
}
HEADER = "transaction_id;customer_id;order_date;product_id;quantity;unit_price;total_amount;payment_method"
LINE = "T1;C1;1.2.2024 10:00;P1;2;617,28;1.234,56;"


def declare(night: Night, source: str = "transactions", **dialect: Any) -> None:
    """Let the source's files be of this dialect."""
    night.model = parse_model(edited(f"sources.{source}", REAL["sources"][source] | dialect))


def drop(night: Night, *lines: str, name: str = "a.csv", encoding: str = "cp1252") -> None:
    night.drop(f"transactions/dt=2024-03-01/{name}", "\r\n".join((HEADER, *lines, "")).encode(encoding))


def test_semicolons_commas_and_points_are_read_as_a_spreadsheet_in_german_writes_them(night: Night) -> None:
    declare(night, **GERMAN)
    drop(
        night, LINE + "Überweisung", "T2;n/a;31.12.2023;P€;-1;0,5;-0,50;NULL", r'T3;\N;"01.01.2024";"P;1";1;,5;0;"n/a"'
    )
    (file,) = night.run()["files"]
    assert (file["status"], file["loaded"], file["quarantined"], file["reason"]) == ("LOADED", 3, 0, None)
    assert night.rows(
        "select transaction_id, customer_id, order_date::text, product_id, quantity, unit_price::text,"
        " total_amount::text, payment_method from business_vault.vw_order_analytics order by 1"
    ) == [
        ("T1", "C1", "2024-02-01 10:00:00+00", "P1", 2, "617.28", "1234.56", "Überweisung"),
        ("T2", None, "2023-12-31 00:00:00+00", "P€", -1, "0.5", "-0.50", None),
        ("T3", None, "2024-01-01 00:00:00+00", "P;1", 1, "0.5", "0", None),
    ]


@pytest.mark.parametrize(
    ("cell", "rule"),
    [("12.5", "total_amount"), ("1.23,4", "total_amount"), ("1,2,3", "total_amount"), ("1.2345", "total_amount")],
)
def test_a_number_that_is_none_of_the_dialect_is_set_aside_and_guessed_never(
    night: Night, cell: str, rule: str
) -> None:
    declare(night, **GERMAN)
    drop(night, LINE, f"T2;C1;01.02.2024;P1;2;1,00;{cell};")
    (file,) = night.run()["files"]
    assert (file["loaded"], file["quarantined"]) == (1, 1)
    assert night.rows("select reasons from metadata.quarantine") == [([f"{rule}.type"],)]


def test_a_rejected_row_is_kept_as_delivered_adds_up_and_is_corrected_in_its_dialect(night: Night) -> None:
    declare(night, **GERMAN)
    drop(night, LINE, "T2;NULL;31.31.2024;P1;1;1.000,00;1.000,00;Überweisung", "T3;x;y")
    (file,) = night.run()["files"]
    assert (file["loaded"], file["quarantined"]) == (1, 2)
    ((measures,),) = night.rows("select measures -> 'total_amount' from metadata.object_version")
    assert (measures["file"], measures["quarantined"], measures["vault"]) == ("2234.56", "1000.00", "1234.56")
    with night.connect() as connection:
        row, broken = find_rows(connection, RowFilter(persons=True))["rows"]
    assert (row["raw"]["order_date"], row["raw"]["total_amount"]) == ("31.31.2024", "1.000,00")
    assert (row["raw"]["customer_id"], row["line"], row["reasons"]) == ("NULL", 3, ["order_date.type"])
    assert (broken["raw_text"], broken["reasons"]) == ("T3;x;y", ["row.field_count"])
    corrected = f"T2;NULL;31.12.2024;P1;1;1.000,00;1.000,00;Überweisung;{row['quarantine_id']}"
    text = f"{HEADER};_quarantine_id\n{corrected}\n"
    night.drop("transactions/dt=2024-03-01/a.csv.replay-0123456789ab.csv", text.encode("cp1252"))
    night.run()
    assert night.rows("select replayed_by is not null from metadata.quarantine order by quarantine_id") == [
        (True,),
        (False,),
    ]
    assert len(published(night).lines) == 2


@pytest.mark.parametrize(
    ("declared", "content", "why"),
    [
        ({}, b"customer_id;email\nC1;x\n", "declare `delimiter: ';'`"),
        ({}, b"customer_id\temail\nC1\tx\n", r'declare `delimiter: "\t"`'),
        ({"delimiter": ";"}, b"customer_id,email\nC1,x\n", "declare `delimiter: ','`"),
        ({}, "customer_id\nC1\n".encode("utf-16"), "declare `encoding: utf-16`"),
        ({}, "customer_id,größe\nC1,1\n".encode("cp1252"), "declare `encoding` (as cp1252)"),
        ({"encoding": "utf-16"}, b"customer_id\nC1\n", "does not look like UTF-16"),
        ({"encoding": "cp1252"}, "customer_id,city\nC1,Köln\n".encode(), "looks like UTF-8 and not like cp1252"),
        ({"encoding": "latin-1"}, "customer_id,city\nC1,Köln\n".encode("utf-8-sig"), "looks like UTF-8"),
    ],
)
def test_a_file_of_another_dialect_than_declared_is_refused_and_says_what_to_declare(
    night: Night, declared: dict[str, Any], content: bytes, why: str
) -> None:
    declare(night, "customers", **declared)
    night.drop("customers/a.csv", content)
    (file,) = night.run()["files"]
    assert file["status"] == "REJECTED"
    assert why in file["reason"]


@pytest.mark.parametrize(
    ("declared", "cells", "what"),
    [
        ({}, "2024-02-01;P1;1;1,50;1,50", "`decimal: ','`"),
        ({"decimal": ","}, "2024-02-01;P1;1;1.50;1.50", "`decimal: '.'`"),
        ({}, "01.02.2024;P1;1;1;1", "`date_format: DD.MM.YYYY`"),
        ({}, "02/01/2024;P1;1;1;1", "MM/DD/YYYY or DD/MM/YYYY"),
        ({"date_format": "DD.MM.YYYY"}, "2024-02-01;P1;1;1;1", "`date_format: YYYY-MM-DD`"),
        ({}, "2024-02-01;P1;1;NULL;1", "`null_values`"),
        ({}, "2024-02-01;Pü;1;1;1", "`encoding` (they are not utf-8)"),
    ],
)
def test_rows_that_look_like_another_dialect_say_what_to_declare(
    night: Night, declared: dict[str, Any], cells: str, what: str
) -> None:
    declare(night, delimiter=";", **declared)
    drop(night, f"T1;C1;{cells};", f"T2;C1;{cells};")
    (file,) = night.run()["files"]
    assert file["quarantined"] == 2
    assert what in file["reason"]


def test_what_is_no_text_of_the_encoding_is_its_row_s_problem(night: Night) -> None:
    declare(night, "customers", encoding="utf-16")
    night.drop(
        "customers/a.csv", "customer_id,city\nC1,Köln\nC2,\ud83d\nC3,x\n".encode("utf-16", "surrogatepass") + b"\0"
    )
    (file,) = night.run()["files"]
    assert (file["loaded"], file["quarantined"]) == (2, 2)
    assert night.rows("select line_number, reasons[1] from metadata.quarantine order by 1") == [
        (3, "row.encoding"),
        (5, "row.encoding"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("delimiter", "tab", "Input should be"),
        ("decimal", ";", "Input should be"),
        ("encoding", "ebcdic", "Input should be"),
        ("date_format", "DD.MM.YY", "YYYY, MM and DD once each"),
        ("date_format", "MM*DD*YYYY", "one of . / - or a space"),
        ("null_values", [""], "at least 1 character"),
        ("null_values", [None], "write it in quotes"),
        ("delimeter", ";", "did you mean delimiter?"),
    ],
)
def test_a_dialect_that_is_none_is_a_mistake_of_the_model(key: str, value: object, message: str) -> None:
    problems = wrong_with(edited("sources.customers", REAL["sources"]["customers"] | {key: value}))
    assert any(field.startswith(f"sources.customers.{key}") and message in said for field, said in problems)
