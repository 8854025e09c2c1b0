"""Scanning, splitting and isolating agree on what a record is, for any bytes and wherever they are cut."""

import csv
import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.load.plan.split import find_parts
from functions.load.staging.csv_records import CsvRecords
from functions.load.staging.csv_scan import RECORD_LIMIT_BYTES, CsvScan, MalformedCsvError
from tests.support.csv_files import cut

BODIES = st.lists(
    st.sampled_from([b"a", b",", b'"', b"\n", b"\r\n", b'""', b'"b"', b"\r", b"\xff", b"\0"]), max_size=24
).map(b"".join)
BORDERS = st.lists(st.integers(0, 40), max_size=10)
LONG = b"x" * 5000
MANY = settings(max_examples=600, derandomize=True, deadline=None)


def scanned(body: bytes, borders: list[int]) -> tuple[int, int] | None:
    """Rows and lines; None when the scan refuses the bytes."""
    scan = CsvScan(count_rows=True)
    try:
        for chunk in cut(body, borders):
            scan.feed(chunk)
        scan.finish()
    except MalformedCsvError:
        return None
    return scan.rows, scan.lines


def isolated(
    body: bytes, borders: list[int], columns: int, first_row: int = 1, first_line: int = 2
) -> tuple[list[bytes], int, int]:
    """What COPY gets, rows and lines."""
    records = CsvRecords(cut(body, borders), columns, first_row=first_row, first_line=first_line)
    text = b"".join(records.copy_text())
    return text.split(b"\n"), records.rows, records.lines


@MANY
@given(body=BODIES, borders=BORDERS)
def test_where_the_bytes_are_cut_changes_nothing(body: bytes, borders: list[int]) -> None:
    assert scanned(body, borders) == scanned(body, [])
    assert isolated(body, borders, 2) == isolated(body, [], 2)


@MANY
@given(body=BODIES, columns=st.integers(1, 3))
def test_what_the_scan_takes_has_the_records_that_isolating_finds(body: bytes, columns: int) -> None:
    counts = scanned(body, [])
    text, rows, lines = isolated(body, [], columns)
    if counts is not None:
        assert counts == (rows, lines)
        assert not [line for line in text if b"row.quoting" in line or b"row.carriage_return" in line]


@MANY
@given(body=BODIES.filter(lambda body: b"\0" not in body and b"\xff" not in body), columns=st.integers(1, 3))
def test_good_records_are_those_that_another_reader_finds(body: bytes, columns: int) -> None:
    """Python's strict reader, where the file has one reading only; it takes blank lines for empty records."""
    if scanned(body, []) is None:
        return
    rows = [row for row in csv.reader(io.StringIO(body.decode(), newline=""), strict=True) if row]
    text = b"\n".join(isolated(body, [], columns)[0]).decode()
    copied = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    assert [row[4:] for row in copied if not row[2]] == [row for row in rows if len(row) == columns]
    assert [int(row[0]) for row in copied] == [*range(1, len(rows) + 1)]


@MANY
@given(body=BODIES, borders=BORDERS, split_bytes=st.integers(1, 12), header_bytes=st.integers(0, 9))
def test_parts_hold_the_records_of_the_whole(
    body: bytes, borders: list[int], split_bytes: int, header_bytes: int
) -> None:
    if scanned(body, []) is None:
        with pytest.raises(MalformedCsvError):
            list(find_parts(cut(body, borders), header_bytes, split_bytes))
        return
    parts = list(find_parts(cut(body, borders), header_bytes, split_bytes))
    assert [part.number for part in parts] == [*range(len(parts))]
    whole = b"x" * header_bytes + body
    spans = [part.span or (0, 0) for part in parts]
    assert b"".join(whole[begin:end] for begin, end in spans) == body
    assert all(end - begin >= split_bytes for begin, end in spans[:-1])
    lines: list[bytes] = []
    for part, (begin, end) in zip(parts, spans, strict=True):
        text, rows, _ = isolated(whole[begin:end], [], 2, part.first_row, part.first_line)
        assert rows == part.rows_expected
        lines += text[:-1]
    assert lines == isolated(body, [], 2)[0][:-1]


@pytest.mark.parametrize("size", [RECORD_LIMIT_BYTES, RECORD_LIMIT_BYTES + 1])
@pytest.mark.parametrize("quoted", [False, True])
def test_scan_and_isolating_draw_the_line_at_the_same_length(size: int, quoted: bool) -> None:
    text = b"x" * size
    record = b'"' + text[:1000] + b"\n" + text[1003:] + b'"' if quoted else text
    body = b"a\n" + record + b"\nb\n"
    borders = [*range(0, len(body), 1 << 20)]
    is_taken = scanned(body, borders) is not None
    copied = b"\n".join(isolated(body, borders, 1)[0])
    assert is_taken == (b"row.too_long" not in copied and b"row.quoting" not in copied) == (size <= RECORD_LIMIT_BYTES)


def _endless_lines(megabytes: int, line: bytes) -> Iterator[bytes]:
    block = line * ((1 << 20) // len(line))
    for _ in range(megabytes):
        yield block


@pytest.mark.parametrize(
    "line",
    [b'C1,"%b"\n' % LONG, b"%b\n" % LONG, b'C1,"%b\n' % LONG, b"x" * (1 << 20)],
    ids=["good", "bad", "quotes never closed", "no line end"],
)
def test_memory_does_not_grow_with_the_file(line: bytes) -> None:
    def peak(megabytes: int) -> int:
        tracemalloc.start()
        for _ in CsvRecords(_endless_lines(megabytes, line), 2).copy_text():
            pass
        scan = CsvScan(count_rows=True)
        try:
            for chunk in _endless_lines(megabytes, line):
                scan.feed(chunk)
        except MalformedCsvError:
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(12) < 1.2 * peak(4)
