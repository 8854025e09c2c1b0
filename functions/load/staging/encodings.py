"""Files in other encodings on their way to COPY: as UTF-8, and how many bytes of the file a piece of that is.

What is no text of the encoding becomes bytes that are no UTF-8, so that exactly its row is set aside.
"""

import codecs
from collections.abc import Iterator
from typing import Literal

from functions.common.errors import FileRejectedError
from functions.load.staging.file_formats import refuse_other_formats
from functions.model.dialect import Encoding

type ByteOrder = Literal["utf-16-le", "utf-16-be"]

_PIECE_BYTES = 1 << 18  # one byte becomes at most three: a piece is no longer than a chunk
_START_BYTES = 64


def as_utf8(chunks: Iterator[bytes], encoding: Encoding, byte_order: ByteOrder | None = None) -> Iterator[bytes]:
    """The text of a whole file in UTF-8, or, where its byte order is given, of a part of one.

    Raises FileRejectedError when the file is in another encoding.
    """
    is_whole = byte_order is None
    start = b""
    if is_whole:
        while len(start) < _START_BYTES and (chunk := next(chunks, None)) is not None:
            start += chunk
        refuse_other_formats(start, encoding)
        byte_order = byte_order_of(start)
    name: str = encoding
    on_error = "surrogateescape"
    if encoding == "utf-16":
        name, on_error = (byte_order or "utf-16-le", "surrogatepass")
    decoder = codecs.getincrementaldecoder(name)(on_error)
    likeness = _Utf8Likeness() if is_whole and encoding != "utf-16" else None
    for piece in _pieces(start, chunks):
        if likeness is not None:
            likeness.feed(piece)
        if text := decoder.decode(piece):
            yield text.encode("utf-8", on_error)
    if likeness is not None and likeness.is_utf8():
        raise FileRejectedError(
            f"the file looks like UTF-8 and not like {encoding}: take `encoding` away from its source, or save it so"
        )
    if decoder.getstate()[0]:
        yield "\udfff".encode("utf-8", "surrogatepass")  # half a character


def byte_order_of(start: bytes) -> ByteOrder:
    """What the mark at the beginning of a UTF-16 file says; without one it is as Windows writes it."""
    return "utf-16-be" if start.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"


def file_bytes(text: bytes, encoding: Encoding) -> int:
    """How many bytes of the file became these bytes of UTF-8, which do not end within a character."""
    if encoding == "utf-8":
        return len(text)
    if encoding == "utf-16":
        return len(text.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass"))
    return len(text.decode("utf-8", "surrogateescape"))


def _pieces(start: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if start:
        yield start
    for chunk in chunks:
        for begin in range(0, len(chunk), _PIECE_BYTES):
            yield chunk[begin : begin + _PIECE_BYTES]


class _Utf8Likeness:
    """Whether all that is not ASCII in a file is well-formed UTF-8, which text of one byte a character hardly is."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._is_ascii = True

    def feed(self, piece: bytes) -> None:
        if self._decoder is None or (self._is_ascii and piece.isascii()):
            return
        self._is_ascii = False
        try:
            self._decoder.decode(piece)
        except UnicodeDecodeError:
            self._decoder = None

    def is_utf8(self) -> bool:
        return not self._is_ascii and self._decoder is not None and not self._decoder.getstate()[0]
