"""Where a command's words go: results to stdout, progress to stderr; with --json, one object to stdout and no more."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

_WIDTH_OF_A_FILE = 200
"""Columns to lay out for when nobody looks at a terminal: tables are only as wide as they need to be."""

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
        self.progress.print(line)

    def show(self, what: RenderableType) -> None:
        """Something for people: left out with --json."""
        if not self.as_json:
            self.people.print(what)

    def result(self, data: Mapping[str, object]) -> None:
        """The command's result for machines: printed with --json only, and only once."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, default=as_text, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    @contextmanager
    def working(self, title: str) -> Iterator[Callable[[str], None]]:
        """Progress of unknown length: a spinner on a terminal, plain lines elsewhere. Yields what reports a line."""
        if not self.is_watched:
            yield self.say
            return
        with self.progress.status(title) as status:

            def report(line: str) -> None:
                self.say(line)
                status.update(line)

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
                    tasks[name] = progress.add_task(name, total=total)
                progress.update(progress.task_ids[tasks[name]], completed=done)

            yield draw


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> Table:
    """A plain table; numbers to the right, None as an empty cell."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for position, name in enumerate(columns):
        numeric = any(isinstance(row[position], int | float | Decimal) for row in rows)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
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
    return as_text(value)


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
