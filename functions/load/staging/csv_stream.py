"""A CSV object on its way to COPY: decompressed, hashed, its header taken off. Chunks of bytes, never rows."""

import csv
import hashlib
import zlib
from collections.abc import Iterator

from functions.common.errors import FileRejectedError

HEADER_LIMIT_BYTES = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decompress(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a gzip stream (of several members too), in pieces of about a chunk.

    Raises FileRejectedError when it is not gzip, is damaged, or ends too early.
    """
    inflate = zlib.decompressobj(wbits=31)
    started = False
    try:
        for chunk in chunks:
            data = chunk
            while data:
                started = True
                if inflate.eof:
                    inflate = zlib.decompressobj(wbits=31)
                piece = inflate.decompress(data, 1 << 20)
                data = inflate.unconsumed_tail or inflate.unused_data
                if piece:
                    yield piece
    except zlib.error as error:
        raise FileRejectedError(f"the file is not valid gzip: {error}") from error
    if not started or not inflate.eof:
        raise FileRejectedError("the gzip file is truncated: it ends before its last block")


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
    """The column names. A file without a header has cells here, so no reason quotes them."""
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise FileRejectedError("the header is not UTF-8 text") from error
    if not text.strip():
        raise FileRejectedError("the file is empty: a header line is required")
    if "\x00" in text:
        raise FileRejectedError("the header holds a NUL byte: is this a CSV file?")
    if "\r" in text:
        raise FileRejectedError("the header holds a carriage return: lines must end in LF or CRLF")
    columns = next(csv.reader([text]))
    twice = [number for number, name in enumerate(columns, 1) if columns.count(name) > 1]
    if twice:
        raise FileRejectedError("the header names a column twice", positions=twice)
    return columns
