"""A malformed CSV file, record by record: exactly the bad lines are set aside, each with its reasons.

A record ends with its line; a quoted cell may go on over several. Where a quote is never closed, or is closed where
no quote may stand, only the line that opens it is bad, and reading goes on with the next.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from functions.load.staging.csv_scan import RECORD_LIMIT_BYTES

RAW_TEXT_LIMIT_BYTES = 1 << 16
_CUT = " … (cut here)"

_QUOTED_TEXT = rb'[^"]*+(?:""[^"]*+)*+'
_STAYS_OPEN = re.compile(_QUOTED_TEXT)
_QUOTED = re.compile(rb'"[^"]*"')

# A heap page holds a row of this many bytes, once long values have moved out to pointers of 18 bytes
# (PostgreSQL: "TOAST", "Database Page Layout").
_ROW_LIMIT_BYTES = 8000
_POINTER_BYTES = 24
_COLUMNS_THAT_ALWAYS_FIT = 300


@dataclass(frozen=True)
class _Grammar:
    """What records of cells that this delimiter separates look like, beginning with a cell or within a quoted one."""

    delimiter: bytes
    complete: re.Pattern[bytes]
    opens: re.Pattern[bytes]
    closes: re.Pattern[bytes]
    reopens: re.Pattern[bytes]


@cache
def _grammar(delimiter: bytes) -> _Grammar:
    d, text = re.escape(delimiter), _QUOTED_TEXT
    cell = rb'(?:"%b"|[^"%b\r]*+)' % (text, d)
    return _Grammar(
        delimiter,
        complete=re.compile(rb"%b(?:%b%b)*+" % (cell, d, cell)),
        opens=re.compile(rb'(?:%b%b)*+"%b' % (cell, d, text)),
        closes=re.compile(rb'%b"(?:%b%b)*+' % (text, d, cell)),
        reopens=re.compile(rb'%b"(?:%b%b(?![^%b]))*+%b"%b' % (text, d, cell, d, d, text)),
    )


class CsvRecords:
    """The records below the header of a file (or of a part of it) with `column_count` columns.

    `rows`, `bad_rows` and `lines` count what has been read; blank lines are no rows. Holds at most a chunk and a record
    in memory.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        column_count: int,
        delimiter: str = ",",
        *,
        first_row: int = 1,
        first_line: int = 2,
    ) -> None:
        self._chunks = chunks
        self._grammar = _grammar(delimiter.encode())
        self._format = b"%d,%d,,,%b\n".replace(b",", delimiter.encode())
        self._columns = column_count
        self._empty_cells = delimiter.encode() * column_count
        self._row = first_row - 1
        self._line = first_line - 1
        self._first_row, self._first_line = first_row, first_line
        self.bad_rows = 0

    @property
    def rows(self) -> int:
        """Records so far, bad ones included."""
        return self._row - self._first_row + 1

    @property
    def lines(self) -> int:
        """Physical lines so far."""
        return self._line - self._first_line + 1

    def copy_text(self) -> Iterator[bytes]:
        """The records as CSV for COPY: row number, line number, broken rules, raw text, then the cells.

        A bad record has rules and raw text, and empty cells; a good one has its cells as they stand in the file.
        """
        undecided: list[bytes] = []
        for lines, is_last in _blocks(self._chunks):
            text, undecided = self._read([*undecided, *lines], is_last=is_last)
            if text:
                yield text

    def _read(self, lines: list[bytes], *, is_last: bool) -> tuple[bytes, list[bytes]]:
        """What COPY is to get for these lines, and the last of them, which need the next ones to be understood."""
        output: list[bytes] = []
        delimiter, delimiters = self._grammar.delimiter, self._columns - 1
        is_plain = self._columns <= _COLUMNS_THAT_ALWAYS_FIT and _is_plain(lines)
        index = 0
        while index < len(lines):
            line = lines[index]
            if line.endswith(b"\r"):
                line = line[:-1]
            if not line:
                self._line += 1
                index += 1
            elif (
                is_plain
                and b'"' not in line
                and line.count(delimiter) == delimiters
                and len(line) <= RECORD_LIMIT_BYTES
            ):
                self._line += 1
                self._row += 1
                output.append(self._format % (self._row, self._line, line))
                index += 1
            else:
                count = 1 if b'"' not in line else _lines_of_record(self._grammar, line, lines, index, is_last=is_last)
                if count is None:
                    return b"".join(output), lines[index:]
                record = line if count == 1 else _joined(lines[index : index + count])
                output.append(self._judged(record))
                self._line += count
                index += count
        return b"".join(output), []

    def _judged(self, record: bytes) -> bytes:
        self._row += 1
        reasons = _reasons(self._grammar, record, self._columns)
        if not reasons:
            return self._format % (self._row, self._line + 1, record)
        self.bad_rows += 1
        text = _shown(record).replace('"', '""').encode()
        cells = (b"%d" % self._row, b"%d" % (self._line + 1), b'"%b"' % ",".join(reasons).encode(), b'"%b"' % text)
        # the first of the delimiters after the text ends it
        return self._grammar.delimiter.join(cells) + self._empty_cells + b"\n"


def _blocks(chunks: Iterator[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """The lines without LF, and whether these are the last. Of one that is too long only the beginning is kept."""
    rest = b""
    for chunk in chunks:
        lines = chunk.split(b"\n")
        lines[0] = rest + lines[0]
        rest = lines.pop()[: RECORD_LIMIT_BYTES + 1]
        yield lines, False
    yield [rest] if rest else [], True


def _is_plain(lines: list[bytes]) -> bool:
    """Whether no line holds a NUL, a stray carriage return or bytes that are not UTF-8."""
    text = b"\n".join(lines)
    if b"\0" in text or text.count(b"\r") != text.count(b"\r\n") + text.endswith(b"\r"):
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _joined(lines: list[bytes]) -> bytes:
    return b"\n".join(lines).removesuffix(b"\r")


def _lines_of_record(grammar: _Grammar, line: bytes, lines: list[bytes], index: int, *, is_last: bool) -> int | None:
    """How many lines the record has that begins with `line`; None when that depends on lines to come."""
    if not grammar.opens.fullmatch(line):
        return 1
    size = len(line)
    for position in range(index + 1, len(lines)):
        following = lines[position]
        size += 1 + len(following)
        if size > RECORD_LIMIT_BYTES:
            return 1
        if _STAYS_OPEN.fullmatch(following) or grammar.reopens.fullmatch(following):
            continue
        return position - index + 1 if grammar.closes.fullmatch(following.removesuffix(b"\r")) else 1
    return 1 if is_last else None


def _reasons(grammar: _Grammar, record: bytes, column_count: int) -> list[str]:
    """The ids of all rules that a record breaks."""
    if len(record) > RECORD_LIMIT_BYTES:
        return ["row.too_long"]
    reasons = []
    if b"\0" in record:
        reasons.append("row.nul")
    try:
        record.decode()
    except UnicodeDecodeError:
        reasons.append("row.encoding")
    unquoted = _QUOTED.sub(b"", record)
    if b"\r" in unquoted:
        reasons.append("row.carriage_return")
    if not grammar.complete.fullmatch(record.replace(b"\r", b"")):
        reasons.append("row.quoting")
    elif unquoted.count(grammar.delimiter) + 1 != column_count:
        reasons.append("row.field_count")
    elif column_count > _COLUMNS_THAT_ALWAYS_FIT and _row_bytes(grammar, record) > _ROW_LIMIT_BYTES:
        reasons.append("row.too_wide")
    return reasons


def _row_bytes(grammar: _Grammar, record: bytes) -> int:
    """At most so many bytes of a page the record's cells take."""
    cells = _QUOTED.sub(lambda quoted: b"x" * len(quoted[0]), record).split(grammar.delimiter)
    return sum(min(len(cell) + 7, _POINTER_BYTES) for cell in cells)


def _shown(record: bytes) -> str:
    """The record as text: what is not UTF-8, and NUL, as \\xNN; a very long one cut."""
    shown = record[:RAW_TEXT_LIMIT_BYTES].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    return shown + _CUT if len(record) > RAW_TEXT_LIMIT_BYTES else shown
