"""The bytes of a part of an object below its header, from S3, as often as they are asked for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from functions.common.landing import read_object
from functions.common.ledger import ClaimedObject
from functions.load.staging.csv_stream import CsvStream, decompress
from functions.load.staging.encodings import as_utf8, byte_order_of
from functions.load.staging.parts import Part
from functions.model.dialect import Dialect

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def open_stream(s3: "S3Client", item: ClaimedObject, dialect: Dialect) -> CsvStream:
    """The whole object, its header read. Raises FileRejectedError when it has none that can be used."""
    chunks = read_object(s3, item.bucket, item.key, item.version_id)
    return CsvStream(decompress(chunks) if item.key.lower().endswith(".gz") else chunks, dialect)


class PartReader:
    """`columns`: the header's. `body` reads from the beginning each time; a whole object is hashed as it is read."""

    def __init__(self, s3: "S3Client", item: ClaimedObject, part: Part, dialect: Dialect) -> None:
        self._s3, self._item, self._part, self._dialect = s3, item, part, dialect
        self._stream: CsvStream | None = None
        self._is_read = False
        if part.span is None:
            self._stream = open_stream(s3, item, dialect)
            self.columns = self._stream.columns
        else:
            self.columns = item.columns or []

    def body(self) -> Iterator[bytes]:
        """The bytes of the part, without the header, as UTF-8."""
        if self._part.span is not None:
            return self._decoded(self._read(self._part.span))
        if self._stream is None or self._is_read:
            self._stream = open_stream(self._s3, self._item, self._dialect)
        self._is_read = True
        return self._stream.body()

    def _read(self, span: tuple[int, int]) -> Iterator[bytes]:
        return read_object(self._s3, self._item.bucket, self._item.key, self._item.version_id, span)

    def _decoded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        encoding = self._dialect.encoding
        if encoding == "utf-8":
            return chunks
        start = b"".join(self._read((0, 2))) if encoding == "utf-16" else b""
        return as_utf8(chunks, encoding, byte_order_of(start))

    def sha256(self) -> bytes | None:
        """SHA-256 of a whole object that has been read to its end; None of a part."""
        return None if self._stream is None else self._stream.sha256()
