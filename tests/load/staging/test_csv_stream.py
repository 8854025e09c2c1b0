"""A CSV object on its way to COPY: however the bytes are cut, header, rest and hash are the same."""

import gzip
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.errors import FileRejectedError
from functions.load.staging.csv_stream import HEADER_LIMIT_BYTES, CsvStream, decompress
from tests.support.csv_files import cut

BOM = b"\xef\xbb\xbf"


def read(content: bytes, borders: list[int] | None = None) -> tuple[list[str], bytes, bytes]:
    stream = CsvStream(cut(content, borders or []))
    return stream.columns, b"".join(stream.body()), stream.sha256()


@pytest.mark.parametrize(
    ("content", "columns", "body"),
    [
        (b"a,b\n1,2\n", ["a", "b"], b"1,2\n"),
        (b"a,b\r\n1,2\r\n", ["a", "b"], b"1,2\r\n"),
        (BOM + b"a,b\n1,2\n", ["a", "b"], b"1,2\n"),
        (BOM + b'"a","b"\r\n1,2', ["a", "b"], b"1,2"),
        (b'"a ""quoted"", name",b\n', ['a "quoted", name', "b"], b""),
        (b"a,b", ["a", "b"], b""),
        (b"a,b\r", ["a", "b"], b""),
        (b"a\n\n", ["a"], b"\n"),
        (b"a,,\n1,2,3", ["a", "column_2", "column_3"], b"1,2,3"),
        (b" a ,\tb\n1,2\n", ["a", "b"], b"1,2\n"),
        ("ä,b\n".encode(), ["ä", "b"], b""),
    ],
)
def test_header_and_rest(content: bytes, columns: list[str] | None, body: bytes) -> None:
    if columns is None:
        with pytest.raises(FileRejectedError, match="twice"):
            read(content)
        return
    assert read(content) == (columns, body, hashlib.sha256(content).digest())


@given(
    header=st.lists(st.text(alphabet="abcä_", min_size=1, max_size=5), min_size=1, max_size=4, unique=True).filter(
        lambda names: any(name.strip() for name in names)
    ),
    newline=st.sampled_from([b"\n", b"\r\n"]),
    body=st.binary(max_size=40),
    with_bom=st.booleans(),
    borders=st.lists(st.integers(0, 70), max_size=12),
)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_chunk_borders_change_nothing(
    header: list[str], newline: bytes, body: bytes, with_bom: bool, borders: list[int]
) -> None:
    content = (BOM if with_bom else b"") + ",".join(header).encode() + newline + body
    assert read(content, borders) == (header, body, hashlib.sha256(content).digest())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"\r\n", "empty"),
        (BOM, "empty"),
        (b"  \n1,2\n", "empty"),
        (b"a\xff,b\n", "UTF-8"),
        ("a,b\n".encode("utf-16"), "UTF-8"),
        ("a,b\n".encode("utf-16-le"), "NUL"),
        (b"a,b,a\n", "twice"),
        (b"a,b\rc,d\r", "carriage return"),
        (b"x" * 200_000 + b"\n", "longer than"),
        (b"x" * 200_000, "longer than"),
        (b"x" * (HEADER_LIMIT_BYTES + 1) + b"\nrest", "longer than"),
    ],
)
@pytest.mark.parametrize("piece", [1 << 10, 1 << 20])
def test_a_file_without_a_usable_header_is_rejected_whatever_the_chunks(content: bytes, why: str, piece: int) -> None:
    with pytest.raises(FileRejectedError, match=why):
        read(content, list(range(0, len(content), piece)))


def test_the_longest_header_is_read_whatever_the_chunks() -> None:
    content = b"x" * HEADER_LIMIT_BYTES + b"\nrest"
    assert read(content) == read(content, [100, HEADER_LIMIT_BYTES, HEADER_LIMIT_BYTES + 1])


def test_the_reason_for_a_header_that_is_none_shows_no_cell() -> None:
    with pytest.raises(FileRejectedError) as raised:
        read(b"C1,Ann,Ann,ann@example.com\nC2,Bob,Bob,bob@example.com\n")
    assert "Ann" not in str(raised.value)


@given(
    members=st.lists(st.binary(max_size=60), min_size=1, max_size=4),
    borders=st.lists(st.integers(0, 300), max_size=12),
)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_gzip_of_several_members_is_read_whatever_the_chunks(members: list[bytes], borders: list[int]) -> None:
    packed = b"".join(gzip.compress(member) for member in members)
    assert b"".join(decompress(cut(packed, borders))) == b"".join(members)


def test_gzip_that_unpacks_to_much_comes_in_pieces() -> None:
    pieces = [len(piece) for piece in decompress(iter([gzip.compress(bytes(20 << 20))]))]
    assert sum(pieces) == 20 << 20
    assert max(pieces) <= 4 << 20


@given(end=st.integers(0, 200), borders=st.lists(st.integers(0, 200), max_size=4))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_gzip_that_ends_too_early_is_rejected(end: int, borders: list[int]) -> None:
    packed = gzip.compress(hashlib.sha256(b"incompressible").hexdigest().encode() * 3)
    with pytest.raises(FileRejectedError, match="truncated"):
        list(decompress(cut(packed[: min(end, len(packed) - 1)], borders)))


def test_a_second_member_that_ends_too_early_is_rejected() -> None:
    packed = gzip.compress(b"one")
    with pytest.raises(FileRejectedError, match="truncated"):
        list(decompress(iter([packed, packed[:-3]])))


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", gzip.compress(b"a,b\n", mtime=0) + b"garbage", b"\x1f\x8b\x08garbage"]
)
def test_what_is_not_gzip_is_rejected(content: bytes) -> None:
    with pytest.raises(FileRejectedError, match="gzip"):
        list(decompress(iter([content])))


def test_gzip_that_was_damaged_on_its_way_is_rejected() -> None:
    packed = bytearray(gzip.compress(b"a,b\n" + b"1,2\n" * 50))
    packed[-6] ^= 1  # in the checksum
    with pytest.raises(FileRejectedError, match="gzip"):
        list(decompress(iter([bytes(packed)])))
