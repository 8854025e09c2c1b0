"""A CSV object on its way to COPY: decompressed, hashed, its header taken off. Chunks of bytes, never rows."""

import csv
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterator

from functions.common.errors import FileRejectedError

HEADER_LIMIT_BYTES = 1 << 16
DECOMPRESSED_LIMIT_BYTES = 8 << 30
"""Of a gzip file, which cannot be split, one invocation of the load function reads no more."""
MEMBERS_LIMIT = 1_000_000

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SLICE_BYTES = 1 << 14  # what follows the end of a member is copied, so it is kept short
_OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: unpack it, or save it as CSV",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\x1f\x8b": "gzip: give it a name that ends in .csv.gz",
    b"BZh": "bzip2: unpack it, or use gzip",
    b"\xfd7zXZ\x00": "xz: unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "zstd: unpack it, or use gzip",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as CSV",
    b"PAR1": "Parquet: the landing zone takes CSV",
    b"%PDF": "PDF: the landing zone takes CSV",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
}


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
    """A CSV file's header and the bytes after it. `sha256()` is of the whole content, once it was read to the end.

    `header_bytes`: where the bytes after the header begin.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._hash = hashlib.sha256()
        head = b""
        while b"\n" not in head and len(head) <= HEADER_LIMIT_BYTES:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._hash.update(chunk)
            head += chunk
        line, _, self._rest = head.partition(b"\n")
        if len(line) > HEADER_LIMIT_BYTES:
            raise FileRejectedError(f"the first line is longer than {HEADER_LIMIT_BYTES} bytes: is this a CSV file?")
        self.columns = _parse_header(line.removeprefix(_BYTE_ORDER_MARK))
        self.header_bytes = len(head) - len(self._rest)

    def body(self) -> Iterator[bytes]:
        """The bytes after the header."""
        if self._rest:
            yield self._rest
        for chunk in self._chunks:
            self._hash.update(chunk)
            yield chunk

    def sha256(self) -> bytes:
        """SHA-256 of all bytes read so far, header included."""
        return self._hash.digest()


def _parse_header(line: bytes) -> list[str]:
    """The column names, trimmed; a column without a name is called by its position.

    A file without a header has cells here, so no reason quotes them.
    """
    for magic, meaning in _OTHER_FORMATS.items():
        if line.startswith(magic):
            raise FileRejectedError(f"this is no CSV file but {meaning}")
    if line.startswith(_BYTE_ORDER_MARK):
        raise FileRejectedError("the file begins with two byte order marks: it was saved as UTF-8 twice")
    try:
        text = line.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise FileRejectedError("the header is not UTF-8 text: save the file as UTF-8") from error
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
    names = [name.strip() for name in next(csv.reader([text]))]
    columns = [name or f"column_{number}" for number, name in enumerate(names, 1)]
    repeated = {name for name, count in Counter(columns).items() if count > 1}
    if repeated:
        positions = [number for number, name in enumerate(columns, 1) if name in repeated]
        raise FileRejectedError("the header names a column twice", positions=positions[:20])
    return columns
