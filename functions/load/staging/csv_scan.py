"""What COPY takes for granted about a CSV file: checked in chunks of bytes, at memory speed, while they go by.

COPY lets a quote open or close anywhere, so that a stray one silently joins rows. Here a quoted cell begins after a
delimiter or a line end and ends before one (RFC 4180), a line ends in LF or CRLF, and a carriage return outside of
quotes is an error. What passes has one reading only; what does not is read again, record by record (csv_records.py).
"""

import re
from functools import cache

from functions.common.errors import DataError

RECORD_LIMIT_BYTES = 1 << 20
"""No record, and no chunk that is read, is longer: so much is kept in memory while a record's end is searched."""

_CELL = rb'"[^"]*+(?:""[^"]*+)*+"'
_SETTLED_ON_ONE_LINE = re.compile(rb'(?:[^"]*+"[^"\n]*+(?:""[^"\n]*+)*+")*+[^"]*+')
_QUOTED = re.compile(rb'"[^"]*"')
_BLANK_LINE = re.compile(rb"(?<=\n)\r?\n")


@cache
def _settled(delimiter: bytes) -> re.Pattern[bytes]:
    before, after = b"[" + re.escape(delimiter) + b"\n]", b"[" + re.escape(delimiter) + b"\r\n]"
    return re.compile(rb'(?:[^"]*+(?<=%b)%b(?=%b))*+[^"]*+' % (before, _CELL, after))


@cache
def _open(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(rb'(?<=[%b\n])"[^"]*+(?:""[^"]*+)*+"?' % re.escape(delimiter))


class MalformedCsvError(DataError):
    """The bytes are no well-formed CSV; csv_records.py finds the lines that are to blame."""


class CsvScan:
    """Feed it the bytes below the header; it raises MalformedCsvError as soon as they are malformed.

    `lines`: physical lines so far. `rows`, counted only with `count_rows`: records so far, blank lines left out.
    Both include a last line without a line end only after `finish`.
    """

    def __init__(self, delimiter: str = ",", *, count_rows: bool = False) -> None:
        self._settled = _settled(delimiter.encode())
        self._open = _open(delimiter.encode())
        self.lines = 0
        self.rows = 0
        self.has_quotes = False
        self._count_rows = count_rows
        self._record_bytes = 0
        self._ends_in_carriage_return = False
        self._unsettled = b"\n"  # the byte before what comes next, or before an open quote and all after it
        self._before = b"\n"  # the end of what is counted

    def feed(self, chunk: bytes) -> None:
        """The next bytes, of any number."""
        self._check_line_ends(chunk)
        self._check_record(chunk)
        if len(self._unsettled) == 1 and b'"' not in chunk:
            self._settle(chunk)
            self._unsettled = chunk[-1:] or self._unsettled
            return
        self.has_quotes = True
        text = self._unsettled + chunk
        settled = self._settled.match(text)
        end = settled.end() if settled else 0
        self._settle(text[1:end])
        if end == len(text):
            self._unsettled = text[-1:]
        elif self._open.fullmatch(text, end):
            self._unsettled = text[end - 1 :]
        else:
            raise MalformedCsvError("a quote stands where none may, or is never closed")

    def end_of_row(self, text: bytes, at: int) -> int:
        """The end of the first line that ends a row, at or after byte `at` of what is to be fed next; or 0."""
        quotes = self._unsettled.count(b'"')
        counted = 0
        end = text.find(b"\n", at) + 1
        while end:
            quotes += text.count(b'"', counted, end)
            if quotes % 2 == 0:
                return end
            counted, end = end, text.find(b"\n", end) + 1
        return 0

    def finish(self) -> None:
        """There are no more bytes."""
        if self._ends_in_carriage_return:
            raise MalformedCsvError("the last line ends in a carriage return")
        if self._record_bytes:
            self.feed(b"\n")
        if len(self._unsettled) > 1:
            raise MalformedCsvError("the last quote is never closed")

    def _check_line_ends(self, chunk: bytes) -> None:
        self.lines += chunk.count(b"\n")
        if self._ends_in_carriage_return or b"\r" in chunk:
            text = b"\r" + chunk if self._ends_in_carriage_return else chunk
            self._ends_in_carriage_return = text.endswith(b"\r")
            if text.count(b"\r") - self._ends_in_carriage_return != text.count(b"\r\n"):
                raise MalformedCsvError("a carriage return does not end a line")

    def _check_record(self, chunk: bytes) -> None:
        """Records within a chunk are short enough; so must be the one that goes on from the chunk before."""
        end = self.end_of_row(chunk, 0)
        if self._record_bytes + (end - 1 if end else len(chunk)) > RECORD_LIMIT_BYTES:
            raise MalformedCsvError(f"a record is longer than {RECORD_LIMIT_BYTES} bytes")
        self._record_bytes = len(chunk) - self._end_of_last_row(chunk) if end else self._record_bytes + len(chunk)

    def _end_of_last_row(self, chunk: bytes) -> int:
        quotes = self._unsettled.count(b'"') + chunk.count(b'"')
        counted = len(chunk)
        end = chunk.rfind(b"\n") + 1
        while end:
            quotes -= chunk.count(b'"', end, counted)
            if quotes % 2 == 0:
                break
            counted, end = end, chunk.rfind(b"\n", 0, end - 1) + 1
        return end

    def _settle(self, text: bytes) -> None:
        """Count the rows in text that begins and ends outside of quotes."""
        if not self._count_rows or not text:
            return
        if b'"' in text:
            on_one_line = _SETTLED_ON_ONE_LINE.match(text)
            if on_one_line is None or on_one_line.end() < len(text):
                text = _QUOTED.sub(b'""', text)
        newlines = text.count(b"\n")
        text = self._before + text
        if b"\n\n" in text or b"\n\r\n" in text:
            newlines -= len(_BLANK_LINE.findall(text))
        self.rows += newlines
        # a blank line is seen when its own line end comes, after at most a carriage return
        self._before = text[-2:] if text.endswith(b"\n\r") else text[-1:]
