"""Files put together from good and bad lines: exactly the bad ones are in quarantine, however the files are read."""

import gzip
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.common import landing
from functions.load.plan.split import split, staging_items
from functions.load.staging import copy_text
from functions.load.staging.csv_scan import MalformedCsvError
from functions.load.staging.stage import stage
from tests.support.database_state import empty
from tests.support.night import Night
from tests.support.warm_night import WarmNight

HEADER = b"customer_id,first_name\n"


@dataclass(frozen=True)
class Piece:
    """A record of a file as it stands there, and what is to become of it: a staged name, or broken rules."""

    content: bytes
    name: str | None = None
    broken: tuple[str, ...] = ()
    is_row: bool = True


GOOD = (
    Piece(b"C1,Ann", "Ann"),
    Piece(b'"C1","Bea"', "Bea"),
    Piece(b'C1,"C, D"', "C, D"),
    Piece(b'C1,"a ""b"""', 'a "b"'),
    Piece(b'C1,"two\nlines, or\r\n\nfour"', "two\nlines, or\r\n\nfour"),
    Piece(b'C1,"a\rb"', "a\rb"),
    Piece("C1,Zoë".encode(), "Zoë"),
    Piece(b"C1,\\.", "\\."),
)
BLANK = Piece(b"", is_row=False)
BAD = (
    Piece(b",Ann", broken=("customer_id.required",)),
    Piece(b',"A\nnn"', broken=("customer_id.required",)),
    Piece(b"C1", broken=("row.field_count",)),
    Piece(b"C1,a,b", broken=("row.field_count",)),
    Piece(b'C1,"a\nb",c', broken=("row.field_count",)),
    Piece(b"C1,\xff", broken=("row.encoding",)),
    Piece(b"C1,a\0", broken=("row.nul",)),
    Piece(b"C1,a\rb", broken=("row.carriage_return",)),
    Piece(b'C1,5" x', broken=("row.quoting",)),
    Piece(b'C1,"a"b', broken=("row.quoting",)),
    Piece(b'C1,"never closed', broken=("row.quoting",)),
    Piece(b'C1,"a\0b"c', broken=("row.nul", "row.quoting")),
)


@dataclass(frozen=True)
class Expected:
    staged: list[tuple[int, str]]
    quarantined: list[tuple[int, int, list[str]]]


def expected(pieces: list[Piece]) -> Expected:
    """Row numbers, and of bad rows the line."""
    expected = Expected([], [])
    row, line = 0, 2
    for piece in pieces:
        row += piece.is_row
        if piece.name is not None:
            expected.staged.append((row, piece.name))
        elif piece.broken:
            expected.quarantined.append((row, line, list(piece.broken)))
        line += piece.content.count(b"\n") + 1
    return expected


@st.composite
def files(draw: st.DrawFn, pieces: tuple[Piece, ...]) -> tuple[bytes, list[Piece]]:
    """Records with one kind of line end or mixed ones, with or without the last."""
    chosen = draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=14))
    ends = draw(st.sampled_from([(b"\n",), (b"\r\n",), (b"\n", b"\r\n")]))
    body = b"".join(piece.content + draw(st.sampled_from(ends)) for piece in chosen)
    if chosen[-1].content and draw(st.booleans()):
        body = body.removesuffix(b"\n").removesuffix(b"\r")
    return HEADER + body, chosen


@dataclass(frozen=True)
class Reading:
    """A way to read a file: in chunks of so many bytes, split into parts of so many, packed, line by line."""

    chunk_bytes: int
    split_bytes: int | None = None
    is_packed: bool = False
    is_slow: bool = False


READINGS = st.builds(Reading, st.integers(1, 40), st.none() | st.integers(1, 80))


def read(night: Night, content: bytes, reading: Reading) -> Expected:
    """Stage the file so, and return what became of it."""
    empty(night)
    body = gzip.compress(content) if reading.is_packed else content
    night.drop(f"customers/dt=2024-01-01/a.csv{'.gz' if reading.is_packed else ''}", body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing, "CHUNK_BYTES", reading.chunk_bytes)
        if reading.is_slow:
            patch.setattr(copy_text, "_copy_whole", _refuse)
        run_id, (object_id,) = night.plan()
        if reading.split_bytes is not None:
            with night.connect() as connection:
                split(connection, night.s3, night.model, run_id, object_id, reading.split_bytes)
        with night.connect() as connection:
            parts = staging_items(connection, run_id)
        for part in reversed(parts):
            with night.connect() as connection:
                status = stage(connection, night.s3, night.model, run_id, object_id, part["part"])
    assert status == "STAGED"
    night.check(run_id, "staging")
    return Expected(
        night.rows("select row_number, first_name from staging.customers order by row_number"),
        night.rows("select row_number, line_number, reasons from metadata.quarantine order by row_number"),
    )


def _refuse(*_: object) -> None:
    raise MalformedCsvError("read line by line")


EXAMPLES = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@EXAMPLES
@given(file=files((*GOOD, *GOOD, BLANK, *BAD)), reading=READINGS, is_packed=st.booleans())
def test_exactly_the_bad_lines_are_in_quarantine_wherever_chunks_and_parts_end(
    warm: WarmNight, file: tuple[bytes, list[Piece]], reading: Reading, is_packed: bool
) -> None:
    content, pieces = file
    reading = replace(reading, split_bytes=None, is_packed=True) if is_packed else reading
    assert read(warm, content, reading) == expected(pieces)


@EXAMPLES
@given(file=files((*GOOD, BAD[0], BAD[1])), reading=READINGS)
def test_a_well_formed_file_is_staged_alike_at_once_in_parts_and_line_by_line(
    warm: WarmNight, file: tuple[bytes, list[Piece]], reading: Reading
) -> None:
    content, pieces = file
    assert read(warm, content, reading) == expected(pieces)
    assert read(warm, content, Reading(1 << 20)) == expected(pieces)
    assert read(warm, content, replace(reading, is_slow=True)) == expected(pieces)
