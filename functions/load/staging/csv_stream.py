"""A CSV object on its way to COPY: decompressed, hashed, its header taken off. Chunks of bytes, never rows."""

import csv
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterator

from functions.common.errors import FileRejectedError
from functions.load.staging.encodings import as_utf8, file_bytes
from functions.load.staging.file_formats import UTF_8_MARK, refuse_other_formats
from functions.model.dialect import PLAIN, Dialect

HEADER_LIMIT_BYTES = 1 << 16
DECOMPRESSED_LIMIT_BYTES = 8 << 30
"""Of a gzip file, which cannot be split, one invocation of the load function reads no more."""
MEMBERS_LIMIT = 1_000_000

_SLICE_BYTES = 1 << 14  # what follows the end of a member is copied, so it is kept short


def decompress(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a gzip stream (of several members too), in pieces of about a chunk.

    Zero bytes after the last member are padding (RFC 1952 leaves it open; gzip itself ignores them). Raises
    FileRejectedError when it is not gzip, is damaged, ends too early, or holds more than a function can read.
    """
    inflate = zlib.decompressobj(wbits=31)
    members, size = 0, 0
    in_padding = False
    try:
        for data in _slices(chunks):
            rest = data
            while rest:
                if in_padding or (inflate.eof and rest.startswith(b"\0")):
                    if rest.strip(b"\0"):
                        raise FileRejectedError("the gzip file goes on after the zero bytes at its end")
                    in_padding = True
                    break
                if inflate.eof:
                    inflate = zlib.decompressobj(wbits=31)
                    members += 1
                    if members > MEMBERS_LIMIT:
                        raise FileRejectedError(f"the gzip file has more than {MEMBERS_LIMIT} members")
                piece = inflate.decompress(rest, 1 << 20)
                rest = inflate.unconsumed_tail or inflate.unused_data
                size += len(piece)
                if size > DECOMPRESSED_LIMIT_BYTES:
                    raise FileRejectedError(
                        f"the gzip file unpacks to more than {DECOMPRESSED_LIMIT_BYTES >> 30} GiB: deliver it in pieces"
                    )
                if piece:
                    yield piece
    except zlib.error as error:
        raise FileRejectedError(f"the file is not valid gzip: {error}") from error
    if not inflate.eof:
        raise FileRejectedError("the gzip file is truncated: it ends before its last block")


def _slices(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for begin in range(0, len(chunk), _SLICE_BYTES):
            yield chunk[begin : begin + _SLICE_BYTES]


class CsvStream:
    """A CSV file's header, and what follows it as UTF-8. `sha256()` is of the file, once it was read to the end.

    `header_bytes`: where in the file the bytes after the header begin.
    """

    def __init__(self, chunks: Iterator[bytes], dialect: Dialect = PLAIN) -> None:
        self._hash = hashlib.sha256()
        self._chunks = self._hashed(chunks)
        if dialect.encoding != "utf-8":
            self._chunks = as_utf8(self._chunks, dialect.encoding)
        head = b""
        while b"\n" not in head and len(head) <= HEADER_LIMIT_BYTES:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            head += chunk
        line, _, self._rest = head.partition(b"\n")
        if len(line) > HEADER_LIMIT_BYTES:
            raise FileRejectedError(f"the first line is longer than {HEADER_LIMIT_BYTES} bytes: is this a CSV file?")
        if dialect.encoding == "utf-8":
            refuse_other_formats(line, dialect.encoding)
        self.columns = _parse_header(line.removeprefix(UTF_8_MARK), dialect.delimiter)
        self.header_bytes = file_bytes(head[: len(head) - len(self._rest)], dialect.encoding)

    def body(self) -> Iterator[bytes]:
        """The bytes after the header, as UTF-8."""
        if self._rest:
            yield self._rest
        yield from self._chunks

    def _hashed(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._hash.update(chunk)
            yield chunk

    def sha256(self) -> bytes:
        """SHA-256 of all bytes read so far, header included."""
        return self._hash.digest()


def _parse_header(line: bytes, delimiter: str) -> list[str]:
    """The column names, trimmed; a column without a name is called by its position.

    A file without a header has cells here, so no reason quotes them.
    """
    if line.startswith(UTF_8_MARK):
        raise FileRejectedError("the file begins with two byte order marks: it was saved as UTF-8 twice")
    try:
        text = line.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise FileRejectedError(
            "the header is not UTF-8 text: declare `encoding` (as cp1252) for its source, or save the file as UTF-8"
        ) from error
    if not text.strip():
        raise FileRejectedError("the file is empty: a header line is required")
    if "\x00" in text:
        raise FileRejectedError("the header holds a NUL byte: is this a CSV file?")
    if text.endswith("\r"):
        raise FileRejectedError("lines end in two carriage returns and a line feed: they must end in LF or CRLF")
    if "\r" in text:
        raise FileRejectedError("the header holds a carriage return: lines must end in LF or CRLF")
    if re.fullmatch(r"\s*sep=.\s*", text, re.IGNORECASE):
        raise FileRejectedError("the first line is Excel's sep= line: take it away, the header must come first")
    if text.count('"') % 2:
        raise FileRejectedError("a quote in the header is not closed on its line: column names hold no line break")
    names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter))]
    columns = [name or f"column_{number}" for number, name in enumerate(names, 1)]
    repeated = {name for name, count in Counter(columns).items() if count > 1}
    if repeated:
        positions = [number for number, name in enumerate(columns, 1) if name in repeated]
        raise FileRejectedError("the header names a column twice", positions=positions[:20])
    return columns
