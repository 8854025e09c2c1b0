"""Where a command's words go: results to stdout, progress to stderr; with --json, one object to stdout and no more."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

_WIDTH_OF_A_FILE = 200
"""Columns to lay out for when nobody looks at a terminal: tables are only as wide as they need to be."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing, and what changes the direction of text; not the line feed and the tab."""

type Advance = Callable[[str, int, int], None]
"""Called with what is being worked on, how much of it is done, and how much there is."""


def _console(stream: TextIO) -> Console:
    width = None if stream.isatty() else _WIDTH_OF_A_FILE
    return Console(file=stream, width=width, highlight=False, markup=False, soft_wrap=not stream.isatty())


def as_text(value: object) -> str:
    """A value as people and machines read it: instants in UTC with a Z, money with all its digits."""
    if isinstance(value, datetime):
        if value.tzinfo:
            value = value.astimezone(UTC).replace(tzinfo=None)
            return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds") + "Z"
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def printable(text: str) -> str:
    """Text from elsewhere as a terminal may show it: control characters as \\u001b, as JSON writes them."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _PrintableStream:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(printable(text))


def stdout_for_csv() -> "SupportsWrite[str]":
    """Where CSV goes: as it is into files and pipes, printable on a terminal."""
    return _PrintableStream(sys.stdout) if sys.stdout.isatty() else sys.stdout


class Output:
    """One command's voice. Tables and sentences are for people and fall silent with `as_json`."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.people = _console(sys.stdout)
        self.progress = _console(sys.stderr)

    @property
    def is_watched(self) -> bool:
        """Whether somebody looks at a terminal, so that lines may be redrawn."""
        return self.progress.is_terminal and not self.as_json

    def say(self, line: str) -> None:
        """One line of progress."""
        self.progress.print(printable(line))

    def show(self, what: RenderableType) -> None:
        """Something for people: left out with --json."""
        if not self.as_json:
            self.people.print(printable(what) if isinstance(what, str) else what)

    def result(self, data: Mapping[str, object]) -> None:
        """The command's result for machines: printed with --json only, and only once."""
        if self.as_json:
            sys.stdout.write(printable(json.dumps(data, default=as_text, ensure_ascii=False)) + "\n")
            sys.stdout.flush()

    @contextmanager
    def working(self, title: str) -> Iterator[Callable[[str], None]]:
        """Progress of unknown length: a spinner on a terminal, plain lines elsewhere. Yields what reports a line."""
        if not self.is_watched:
            yield self.say
            return
        with self.progress.status(printable(title)) as status:

            def report(line: str) -> None:
                self.say(line)
                status.update(printable(line))

            yield report

    @contextmanager
    def advancing(self, unit: str) -> Iterator[Advance]:
        """Progress of known length: a bar per thing on a terminal, one line per finished thing elsewhere."""
        if not self.is_watched:

            def report(name: str, done: int, total: int) -> None:
                if done >= total:
                    self.say(f"{name}: {total:,} {unit}")

            yield report
            return
        amount = TaskProgressColumn() if unit == "bytes" else MofNCompleteColumn()
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), amount, TimeElapsedColumn())
        with Progress(*columns, console=self.progress, transient=True) as progress:
            tasks: dict[str, int] = {}

            def draw(name: str, done: int, total: int) -> None:
                if name not in tasks:
                    tasks[name] = progress.add_task(printable(name), total=total)
                progress.update(progress.task_ids[tasks[name]], completed=done)

            yield draw


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> Table:
    """A plain table, a line for each row; numbers to the right, None as an empty cell."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for position, name in enumerate(columns):
        numeric = any(isinstance(row[position], int | float | Decimal) for row in rows)
        made.add_column(printable(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return printable(as_text(value)).replace("\n", "\\n")


def file_size(size: int) -> str:
    """Bytes for people: 8.4 MB."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def short_path(path: Path) -> str:
    """The path from here when that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
