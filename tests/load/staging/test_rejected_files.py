"""Bad files never block good ones: each is set aside with a reason that shows no cell; bad rows keep every reason."""

import gzip

import pytest

from local.servers.postgres import PostgresServer
from tests.support.csv_files import customers, transactions, write_csv
from tests.support.database_state import published, quarantined
from tests.support.night import Night

GOOD = customers({"customer_id": "C1", "first_name": "Ann"})
HEADER = "customer_id,first_name\n"
SECRET = "Zoe-Secret"

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "empty"),
    "only-bom.csv": (b"\xef\xbb\xbf", "empty"),
    "blank.csv": (b"\n\n\n", "empty"),
    "no-required-column.csv": (f"first_name,city\n{SECRET},Rome\n".encode(), "lacks required columns"),
    "no-header.csv": (f"C1,{SECRET}\nC2,Bob\n".encode(), "lacks required columns"),
    "no-header-repeated.csv": (f"{SECRET},{SECRET}\n".encode(), "twice"),
    "column-twice.csv": (b"customer_id,first_name,first_name\nC1,a,b\n", "twice"),
    "semicolons.csv": (f"customer_id;first_name\nC1;{SECRET}\n".encode(), "lacks required columns"),
    "utf-16.csv": (f"{HEADER}C1,{SECRET}\n".encode("utf-16"), "UTF-8"),
    "latin-1-header.csv": (f"customer_id,prénom\nC1,{SECRET}\n".encode("latin-1"), "UTF-8"),
    "nul-in-header.csv": (f"customer_id,first\x00name\nC1,{SECRET}\n".encode(), "NUL"),
    "old-mac.csv": (f"customer_id,first_name\rC1,{SECRET}\r".encode(), "carriage return"),
    "long-first-line.csv": (b"x" * 200_000 + b"\n", "longer than"),
    "truncated.csv.gz": (gzip.compress(GOOD.encode() * 9)[:-9], "truncated"),
    "empty.csv.gz": (b"", "truncated"),
    "not-gzip.csv.gz": (f"{HEADER}C1,{SECRET}\n".encode(), "gzip"),
    "too-many-columns.csv": (",".join(["customer_id", *map(str, range(600))]).encode(), "more than 500"),
}

LONG = 1 << 20
WIDE = 490

type Line = tuple[int, list[str], str | None]
"""Of a line in quarantine: its number in the file, the rules it breaks, its text (None: its cells were kept)."""

# below HEADER: the bytes, the customers that are loaded with their first names, and what is in quarantine
MALFORMED: dict[str, tuple[bytes, dict[str, str | None], list[Line]]] = {
    "too few fields": (b"A1,Ann\nA2\nA3,Cat\n", {"A1": "Ann", "A3": "Cat"}, [(3, ["row.field_count"], "A2")]),
    "too many fields": (b"B1,Ann,x\nB2,Bob\n", {"B2": "Bob"}, [(2, ["row.field_count"], "B1,Ann,x")]),
    "a line of spaces": (b"B3,Ann\n  \n", {"B3": "Ann"}, [(3, ["row.field_count"], "  ")]),
    "a comment": (b"# made by hand\nB4,Ann\n", {"B4": "Ann"}, [(2, ["row.field_count"], "# made by hand")]),
    "a quote never closed": (
        b'C1,"Ann\nC2,Bob\nC3,Cat\n',
        {"C2": "Bob", "C3": "Cat"},
        [(2, ["row.quoting"], 'C1,"Ann')],
    ),
    "a quote never closed in the last line": (b'C4,Ann\nC5,"Bob', {"C4": "Ann"}, [(3, ["row.quoting"], 'C5,"Bob')]),
    "a quote closed by the next quoted cell": (
        b'D1,"Ann\nD2,Bob\nD3,"Cat"\n',
        {"D2": "Bob", "D3": "Cat"},
        [(2, ["row.quoting"], 'D1,"Ann')],
    ),
    "a quote within a cell": (
        b'D4,5" pipe\nD5,6" pipe\nD6,Cat\n',
        {"D6": "Cat"},
        [(2, ["row.quoting"], 'D4,5" pipe'), (3, ["row.quoting"], 'D5,6" pipe')],
    ),
    "text after a quote": (b'D7,"Ann"a\nD8,"B""ob"\n', {"D8": 'B"ob'}, [(2, ["row.quoting"], 'D7,"Ann"a')]),
    "a quote escaped by a backslash": (
        b'D9,"A \\"n"\nDA,Bob\n',
        {"DA": "Bob"},
        [(2, ["row.quoting"], 'D9,"A \\"n"')],
    ),
    "Latin-1": (
        "E1,Ann\nE2,Müller\nE3,ok ü\n".encode("latin-1"),
        {"E1": "Ann"},
        [(3, ["row.encoding"], "E2,M\\xfcller"), (4, ["row.encoding"], "E3,ok \\xfc")],
    ),
    "one line in Latin-1": (
        "E4,Müller\n".encode() + "E5,Müller\n".encode("latin-1"),
        {"E4": "Müller"},
        [(3, ["row.encoding"], "E5,M\\xfcller")],
    ),
    "a surrogate": (b"E6,\xed\xa0\x80\nE7,Bob\n", {"E7": "Bob"}, [(2, ["row.encoding"], "E6,\\xed\\xa0\\x80")]),
    "a NUL": (b"F1,A\0nn\nF2,Bob\n", {"F2": "Bob"}, [(2, ["row.nul"], "F1,A\\x00nn")]),
    "mixed line ends": (b"G1,Ann\r\nG2,Bob\nG3,Cat\r\n", {"G1": "Ann", "G2": "Bob", "G3": "Cat"}, []),
    "blank lines": (b"\nH1,Ann\n\n\r\nH2,Bob\n\n", {"H1": "Ann", "H2": "Bob"}, []),
    "a bad line after blank ones": (b"\n\nH3\n\nH4,Bob", {"H4": "Bob"}, [(4, ["row.field_count"], "H3")]),
    "a carriage return in a cell": (
        b"I1,A\rnn\nI2,Bob\n",
        {"I2": "Bob"},
        [(2, ["row.carriage_return"], "I1,A\rnn")],
    ),
    "a carriage return in a quoted cell": (b'I3,"A\rnn"\nI4,Bob\n', {"I3": "A\rnn", "I4": "Bob"}, []),
    "lines that end in carriage returns": (
        b"I5,Ann\rI6,Bob\r",
        {},
        [(2, ["row.carriage_return", "row.field_count"], "I5,Ann\rI6,Bob")],
    ),
    "line ends in cells": (
        b'J1,"A\nn\r\nn"\nJ2,x,y\n,Ann\n"J\n3",Cat\n,Dan\n',
        {"J1": "A\nn\r\nn", "J\n3": "Cat"},
        [(5, ["row.field_count"], "J2,x,y"), (6, ["customer_id.required"], None), (9, ["customer_id.required"], None)],
    ),
    "line ends in cells of a file that is well formed": (
        b'K1,"A\nn\r\nn"\n,Ann\n"K\n3",Cat\n,Dan\n',
        {"K1": "A\nn\r\nn", "K\n3": "Cat"},
        [(5, ["customer_id.required"], None), (8, ["customer_id.required"], None)],
    ),
    "a record over several lines": (
        b'L1,"A\nnn",x\nL2,Bob\n',
        {"L2": "Bob"},
        [(2, ["row.field_count"], 'L1,"A\nnn",x')],
    ),
    "everything at once": (
        b'M1,"A\0n\xffn"x,\ry\nM2,Bob\n',
        {"M2": "Bob"},
        [(2, ["row.nul", "row.encoding", "row.carriage_return", "row.quoting"], 'M1,"A\\x00n\\xffn"x,\ry')],
    ),
    "broken lines and bad values": (
        b"N1,Ann,x\n,Bob\nN3,Cat\n",
        {"N3": "Cat"},
        [(2, ["row.field_count"], "N1,Ann,x"), (3, ["customer_id.required"], None)],
    ),
    "the longest line": (
        b"O1," + b"x" * (LONG - 3) + b"\nO2\n",
        {},
        [(2, ["first_name.length"], None), (3, ["row.field_count"], "O2")],
    ),
    "a line that is too long": (
        b"P1,Ann\nP2," + b"x" * LONG + b"\nP3,Cat\n",
        {"P1": "Ann", "P3": "Cat"},
        [(3, ["row.too_long"], "P2," + "x" * ((1 << 16) - 3) + " … (cut here)")],
    ),
    "a quote closed too late": (
        b'Q1,"' + b"Q2,Bob\n" * (LONG // 7 + 9) + b'"\n',
        {"Q2": "Bob"},
        [(2, ["row.quoting"], 'Q1,"Q2,Bob'), (LONG // 7 + 11, ["row.quoting"], '"')],
    ),
    "COPY's end of data": (b"R1,Ann\n\\.\nR2,Bob\n", {"R1": "Ann", "R2": "Bob"}, [(3, ["row.field_count"], "\\.")]),
}


def test_bad_files_never_block_good_ones_and_their_reasons_show_no_cell(night: Night) -> None:
    for name, (content, _) in UNREADABLE.items():
        night.drop(f"customers/dt=2024-01-01/{name}", content)
    night.drop("customers/dt=2024-01-01/good.csv", GOOD)
    report = night.run()
    files = {file["key"].rpartition("/")[2]: file for file in report["files"]}
    assert files.pop("good.csv")["status"] == "LOADED"
    assert {name: file["status"] for name, file in files.items()} == dict.fromkeys(UNREADABLE, "REJECTED")
    unexplained = {
        name: files[name]["reason"] for name, (_, reason) in UNREADABLE.items() if reason not in files[name]["reason"]
    }
    assert unexplained == {}
    assert SECRET not in str(report)
    assert not [name for name, file in files.items() if file["rows_read"] or file["quarantined"]]
    assert [row[:2] for row in published(night).customers] == [("C1", "Ann")]
    assert night.run()["files"] == [], "a rejected object is judged once"


def test_exactly_the_bad_lines_are_set_aside(night: Night) -> None:
    """Of each malformed file, as it is and compressed."""
    keys = {}
    for number, (name, (body, *_)) in enumerate(MALFORMED.items()):
        content = HEADER.encode() + body
        for key, stored in ((f"dt=2024-01-01/{number}.csv", content), (f"dt=2024-01-02/{number}.csv.gz", None)):
            keys[f"landing/customers/{key}"] = name
            night.drop(f"customers/{key}", gzip.compress(content, 1) if stored is None else stored)
    run_id, object_ids = night.plan()
    assert night.stage(run_id, object_ids) == ["STAGED"] * len(keys)
    night.check(run_id, "staging")
    staged: dict[str, dict[str, str | None]] = {key: {} for key in keys}
    for key, customer_id, first_name in night.rows(
        "select o.object_key, s.customer_id, s.first_name"
        " from staging.customers as s join metadata.object_version as o using (object_id)"
    ):
        staged[key][customer_id] = first_name
    kept: dict[str, list[Line]] = {key: [] for key in keys}
    for key, *line in night.rows(
        "select o.object_key, q.line_number, q.reasons, q.raw_text"
        " from metadata.quarantine as q join metadata.object_version as o using (object_id) order by q.row_number"
    ):
        kept[key].append((line[0], line[1], line[2]))
    for key, name in keys.items():
        _, loaded, bad = MALFORMED[name]
        assert (staged[key], kept[key]) == (loaded, bad), (name, key)


def test_a_row_too_wide_for_a_page_is_set_aside_and_narrow_ones_of_its_file_are_not(night: Night) -> None:
    columns = ["customer_id", *map(str, range(WIDE))]
    wide = {"customer_id": "C1"} | {str(number): SECRET * 4 for number in range(WIDE)}
    narrow = {"customer_id": "C2"} | {str(number): "x" for number in range(WIDE)}
    night.drop("customers/dt=2024-01-01/a.csv", write_csv(columns, [wide, narrow]))
    (file,) = night.run()["files"]
    assert (file["loaded"], file["quarantined"], len(file["unknown_columns"])) == (1, 1, WIDE)
    assert quarantined(night) == {"customers/dt=2024-01-01/a.csv": [(1, ["row.too_wide"])]}
    ((content,),) = night.rows("select content from metadata.unknown_columns")
    assert content == {str(number): "x" for number in range(WIDE)}


def test_a_line_is_found_from_its_row_where_rows_and_lines_go_in_step(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/even.csv", HEADER + "C1,Ann\nC2,Bob\n")
    night.drop("customers/dt=2024-01-01/odd.csv", HEADER + 'C1,"A\nnn"\nC2,Bob\n')
    night.run()
    assert night.rows(
        "select object_key like '%even.csv', metadata.line_of(object_id, 2), metadata.line_of(object_id, 3)"
        " from metadata.object_version order by 1"
    ) == [(False, None, None), (True, 3, None)]


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
    both = ["total_amount.type", "total_amount.digits"]
    assert rows == [(1, both), (2, both), (3, ["total_amount.digits"])]


def test_a_blank_line_is_no_row_of_a_file_with_one_column_either(night: Night) -> None:
    """COPY would take it for a row whose one cell is empty."""
    night.drop("customers/dt=2024-01-01/a.csv", "customer_id\nC1\n\nC2\n\n")
    (file,) = night.run()["files"]
    assert (file["rows_read"], file["loaded"], file["quarantined"]) == (2, 2, 0)


def test_the_servers_log_quotes_no_line_of_a_file(night: Night, postgres_server: PostgresServer) -> None:
    for number, line in enumerate(["C1", "C2,{}", '"C3,{}', "C4,{},x", "C5,{}\x00", 'C6,"{}"x']):
        night.drop(f"customers/dt=2024-01-0{number + 1}/a.csv", HEADER + line.format(SECRET) + "\n")
    night.run()
    text = postgres_server.log.read_text(encoding="utf-8", errors="replace")
    assert "ERROR" in text, "there was something to log"
    assert SECRET not in text
