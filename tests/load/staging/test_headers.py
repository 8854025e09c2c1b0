"""Headers as real files have them: other cases, spaces, missing, unnamed and repeated columns, other formats."""

import gzip

import pytest

from functions.model.render import quarantine as render_quarantine
from tests.support.csv_files import customers, transactions
from tests.support.database_state import published
from tests.support.night import Night

FULL = {"customer_id": "C1", "first_name": "Ann", "email": "ann@example.org"}


def reason_of(night: Night, content: bytes, name: str = "b.csv") -> str:
    night.drop(f"customers/dt=2024-01-02/{name}", content)
    (file,) = night.run()["files"]
    assert file["status"] == "REJECTED"
    return str(file["reason"])


def test_names_are_matched_after_trimming_and_without_case_and_reported(night: Night) -> None:
    night.drop("customers/a.csv", b"Customer_ID, First_Name,EMAIL \nC1,Ann,ann@example.org\n")
    (file,) = night.run()["files"]
    assert (file["status"], file["loaded"], file["unknown_columns"]) == ("LOADED", 1, [])
    assert file["renamed_columns"] == ["Customer_ID for customer_id", "First_Name for first_name", "EMAIL for email"]
    assert published(night).customers[0][:4] == ("C1", "Ann", None, "ann@example.org")


def test_a_file_that_lacks_a_column_which_earlier_files_filled_is_refused(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers(FULL))
    night.run()
    reason = reason_of(night, b"customer_id,first_name\nC1,Bob\n")
    assert "columns=['email']" in reason
    assert "absent: empty" in reason
    assert published(night).customers[0][1] == "Ann"


def test_so_is_one_of_the_same_run_whatever_order_they_are_staged_in(night: Night) -> None:
    night.drop("customers/dt=2024-01-02/b.csv", b"customer_id,first_name\nC1,Bob\n")
    night.drop("customers/dt=2024-01-01/a.csv", customers(FULL))
    run_id, object_ids = night.plan()
    night.stage(run_id, sorted(object_ids, reverse=True))
    night.check(run_id, "staging")
    rows = night.rows("select object_key, status from metadata.object_version order by 1")
    assert [status for _, status in rows] == ["STAGED", "REJECTED"]


def test_a_late_file_from_before_the_column_was_there_is_loaded(night: Night) -> None:
    night.drop("customers/dt=2024-01-02/b.csv", customers(FULL))
    night.run()
    night.drop("customers/dt=2024-01-01/a.csv", b"customer_id,first_name\nC0,Bob\n")
    assert [file["status"] for file in night.run()["files"]] == ["LOADED"]


def test_a_column_that_may_be_absent_is_empty(night: Night) -> None:
    """`line_number` of the project's own model."""
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({"line_number": "1"}))
    night.run()
    header, row = transactions({"transaction_id": "T2"}).splitlines()
    without = f"{header.removesuffix(',line_number')}\n{row.removesuffix(',')}\n"
    night.drop("transactions/dt=2024-01-02/a.csv", without)
    assert [file["status"] for file in night.run()["files"]] == ["LOADED"]


def test_a_header_that_is_repeated_further_down_is_no_customer(night: Night) -> None:
    night.drop("customers/a.csv", customers(FULL) + customers({"customer_id": "C2"}))
    (file,) = night.run()["files"]
    assert (file["loaded"], file["quarantined"]) == (2, 1)
    assert night.rows("select reasons from metadata.quarantine") == [(["signup_date.type", "row.header"],)]


def test_columns_without_a_name_are_called_by_their_position(night: Night) -> None:
    night.drop("customers/a.csv", b"customer_id,email,,,\nC1,ann@example.org,,,x\n")
    (file,) = night.run()["files"]
    assert (file["status"], file["unknown_columns"]) == ("LOADED", ["column_3", "column_4", "column_5"])
    assert night.rows("select content from metadata.unknown_columns") == [({"column_5": "x"},)]


def test_columns_named_like_those_of_a_quarantine_export_are_data_elsewhere(night: Night) -> None:
    night.drop("customers/a.csv", b"customer_id,_file,_line\nC1,x,7\n")
    (file,) = night.run()["files"]
    assert file["unknown_columns"] == ["_file", "_line"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"PK\x03\x04\x14\x00rest", "ZIP archive or an Excel workbook"),
        (gzip.compress(b"customer_id\nC1\n", mtime=0), "name that ends in .csv.gz"),
        (b"\xef\xbb\xbf\xef\xbb\xbfcustomer_id\nC1\n", "two byte order marks"),
        ("customer_id\nC1\n".encode("utf-16"), "UTF-16"),
        (b"sep=,\ncustomer_id\nC1\n", "sep= line"),
        (b'customer_id,"first\nname"\nC1,Ann\n', "no line break"),
        (b"customer_id\r\r\nC1\r\r\n", "two carriage returns"),
        (b"customer_id,Customer_Id\nC1,C2\n", "differ in case only"),
        (b"customer_id" + b"," * 50_000 + b"\n", "more than 500 columns"),
    ],
)
def test_what_is_no_csv_file_of_ours_is_refused_by_its_cause(night: Night, content: bytes, why: str) -> None:
    assert why in reason_of(night, content)


def test_zero_bytes_after_a_gzip_file_are_padding(night: Night) -> None:
    night.drop("customers/a.csv.gz", gzip.compress(customers(FULL).encode()) + bytes(1000))
    assert night.run()["totals"]["loaded"] == 1
    assert "after the zero bytes" in reason_of(
        night, gzip.compress(b"customer_id\nC1\n") + bytes(10) + b"more", "b.csv.gz"
    )


def test_a_gzip_file_of_very_many_empty_members_is_read_in_linear_time(night: Night) -> None:
    """Each end of a member used to copy the rest of a megabyte: 52,000 members took half a minute."""
    night.drop("customers/a.csv.gz", gzip.compress(b"") * 52_000 + gzip.compress(customers(FULL).encode()))
    assert night.run()["totals"]["loaded"] == 1


def test_of_very_many_rejected_rows_some_are_kept_all_are_counted_and_sums_add_up(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_quarantine, "REJECTED_KEPT", 10)
    monkeypatch.setattr(render_quarantine, "REJECTED_SAMPLED", 25)
    bad = [{"transaction_id": f"T{number}", "order_date": "soon"} for number in range(100)]
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(*bad, {"transaction_id": "good"}))
    (file,) = night.run()["files"]
    assert (file["rows_read"], file["loaded"], file["quarantined"]) == (101, 1, 100)
    assert file["reason"] == "of 100 rejected rows quarantine keeps 14; all are counted"
    kept = [row for (row,) in night.rows("select row_number from metadata.quarantine order by 1")]
    assert kept == [*range(1, 11), 25, 50, 75, 100]
    ((measures,),) = night.rows("select measures from metadata.object_version")
    assert measures["total_amount"]["file"] == "1010.00"
    assert (measures["total_amount"]["quarantined"], measures["total_amount"]["omitted"]) == ("140.00", "860.00")


def test_the_report_names_what_was_left_alone_and_which_checks_failed(night: Night) -> None:
    night.drop("customer/dt=2024-01-01/a.csv", customers(FULL))
    night.drop("customers/dt=2024-1-5/a.csv", customers(FULL))
    night.drop("customers/dt=2024-01-01/good.CSV", customers(FULL, {"customer_id": "", "email": "x@y.z"}))
    report = night.run()
    assert [(each["key"], each["nearest"]) for each in report["ignored"]] == [
        ("landing/customer/dt=2024-01-01/a.csv", "landing/customers/dt=2024-01-01/a.csv"),
        ("landing/customers/dt=2024-1-5/a.csv", "landing/customers/dt=2024-01-05/a.csv"),
    ]
    assert report["ignored_count"] == 2
    assert [file["status"] for file in report["files"]] == ["LOADED"]
    rejected = next(check for check in report["checks"] if check["rule"] == "rows.rejected")
    assert rejected["severity"] == "warn"
    assert "1 of 2" in rejected["observed"]
