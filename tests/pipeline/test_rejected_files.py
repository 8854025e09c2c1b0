"""Bad files never block good ones: each is set aside with a reason that shows no cell; bad rows keep every reason."""

import gzip

import pytest

from tests.pipeline.files import customers, transactions, write_csv
from tests.pipeline.night import Night
from tests.pipeline.state import published, quarantined

GOOD = customers({"customer_id": "C1", "first_name": "Ann"})
HEADER = "customer_id,first_name\n"
SECRET = "Zoe-Secret"

BAD: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "empty"),
    "only-bom.csv": (b"\xef\xbb\xbf", "empty"),
    "blank.csv": (b"\n\n\n", "empty"),
    "no-required-column.csv": (f"first_name,city\n{SECRET},Rome\n".encode(), "lacks required columns"),
    "no-header.csv": (f"C1,{SECRET}\nC2,Bob\n".encode(), "lacks required columns"),
    "no-header-repeated.csv": (f"{SECRET},{SECRET}\n".encode(), "twice"),
    "column-twice.csv": (b"customer_id,first_name,first_name\nC1,a,b\n", "twice"),
    "broken-quoting.csv": (f'{HEADER}C1,"{SECRET}\nC2,Bob\n'.encode(), "data line 1"),
    "too-few-fields.csv": (f"{HEADER}C1,Ann\n{SECRET}\n".encode(), "data line 2"),
    "too-many-fields.csv": (f"{HEADER}C1,Ann,{SECRET}\n".encode(), "data line 1"),
    "latin-1.csv": (f"{HEADER}C1,{SECRET} Müller\n".encode("latin-1"), "data line 1"),
    "utf-16.csv": (f"{HEADER}C1,{SECRET}\n".encode("utf-16"), "UTF-8"),
    "nul.csv": (f"{HEADER}C1,{SECRET}\x00\n".encode(), "data line 1"),
    "nul-in-header.csv": (f"customer_id,first\x00name\nC1,{SECRET}\n".encode(), "NUL"),
    "old-mac.csv": (f"customer_id,first_name\rC1,{SECRET}\r".encode(), "carriage return"),
    "mixed-line-ends.csv": (f"{HEADER}C1,Ann\r\nC2,{SECRET}\nC3,Cat\r\n".encode(), "data line"),
    "long-first-line.csv": (b"x" * 200_000 + b"\n", "longer than"),
    "truncated.csv.gz": (gzip.compress(GOOD.encode() * 9)[:-9], "truncated"),
    "empty.csv.gz": (b"", "truncated"),
    "not-gzip.csv.gz": (f"{HEADER}C1,{SECRET}\n".encode(), "gzip"),
    "too-wide.csv": (
        write_csv(
            ["customer_id", *map(str, range(490))], [{str(number): SECRET * 4 for number in range(490)}]
        ).encode(),
        "row is too big",
    ),
    "too-many-columns.csv": (",".join(["customer_id", *map(str, range(600))]).encode(), "more than 500"),
}


def test_bad_files_never_block_good_ones_and_their_reasons_show_no_cell(night: Night) -> None:
    for name, (content, _) in BAD.items():
        night.drop(f"customers/dt=2024-01-01/{name}", content)
    night.drop("customers/dt=2024-01-01/good.csv", GOOD)
    report = night.run()
    files = {file["key"].rpartition("/")[2]: file for file in report["files"]}
    assert files.pop("good.csv")["status"] == "LOADED"
    assert {name: file["status"] for name, file in files.items()} == dict.fromkeys(BAD, "REJECTED")
    unexplained = {
        name: files[name]["reason"] for name, (_, reason) in BAD.items() if reason not in files[name]["reason"]
    }
    assert unexplained == {}
    assert SECRET not in str(report)
    assert not [name for name, file in files.items() if file["rows_read"] or file["quarantined"]]
    assert [row[:2] for row in published(night).customers] == [("C1", "Ann")]
    assert night.run()["files"] == [], "a rejected object is judged once"


def test_a_rejected_file_that_is_replaced_is_loaded(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", b"")
    night.run()
    night.drop("customers/dt=2024-01-01/a.csv", GOOD)
    (file,) = night.run()["files"]
    assert (file["status"], file["loaded"]) == ("LOADED", 1)


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(),
        GOOD.encode().rstrip(b"\n"),
        GOOD.replace("customer_id", '"customer_id"').encode(),
    ],
    ids=["plain", "BOM and CRLF", "no last newline", "quoted header"],
)
def test_the_usual_dialects_are_read_alike(night: Night, content: bytes) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", content)
    night.drop("customers/dt=2024-01-02/a.csv.gz", gzip.compress(content[:30]) + gzip.compress(content[30:]))
    totals = night.run()["totals"]
    assert (totals["loaded"], totals["unchanged"]) == (1, 1)
    assert [row[:2] for row in published(night).customers] == [("C1", "Ann")]


def test_quarantine_holds_every_reason_and_the_row_itself(night: Night) -> None:
    broken = {"transaction_id": "", "order_date": "soon", "quantity": "", "unit_price": "1,5", "line_number": "one"}
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}, broken, {"product_id": ""}))
    totals = night.run()["totals"]
    assert (totals["loaded"], totals["quarantined"]) == (1, 2)
    assert quarantined(night) == {
        "transactions/dt=2024-01-01/a.csv": [
            (
                2,
                [
                    "transaction_id.required",
                    "order_date.type",
                    "quantity.required",
                    "unit_price.type",
                    "line_number.type",
                ],
            ),
            (3, ["product_id.required"]),
        ]
    }
    kept = night.rows("select raw from metadata.quarantine order by row_number")[0][0]
    assert {name: kept[name] or "" for name in broken} == broken


def test_a_key_that_no_index_could_hold_goes_to_quarantine(night: Night) -> None:
    """Longer ones would fail the publication of the marts, that night and every night after it."""
    longest = "ü" * 500
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": longest}, {"customer_id": longest + "x"}))
    keys = {"transaction_id": "T" * 1000, "product_id": "P" * 1000, "customer_id": longest}
    too_long = {name: key + "x" for name, key in keys.items()}
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(keys, too_long))
    night.run()
    assert quarantined(night) == {
        "customers/dt=2024-01-01/a.csv": [(2, ["customer_id.length"])],
        "transactions/dt=2024-01-01/a.csv": [(2, ["transaction_id.length", "customer_id.length", "product_id.length"])],
    }
    assert published(night).customers[0][0] == longest


def test_a_number_that_no_sum_could_hold_goes_to_quarantine(night: Night) -> None:
    lines = [{"transaction_id": name, "total_amount": "9" * 131_072} for name in ("T1", "T2")]
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(*lines, {"total_amount": "9" * 1000}))
    night.run()
    (rows,) = quarantined(night).values()
    assert rows == [(1, ["total_amount.type"]), (2, ["total_amount.type"])]
