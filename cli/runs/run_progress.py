"""The progress of a run: a table that is redrawn on a terminal, a line per finished state elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.output import Output
from cli.runs.execution_history import History, StateProgress
from cli.runs.executions import Watch

_REDRAWS_PER_SECOND = 8


@contextmanager
def display(output: Output) -> Iterator[Watch]:
    """Yields what to call after each look at the history."""
    if output.is_watched:
        with Live(console=output.progress, refresh_per_second=_REDRAWS_PER_SECOND, transient=True) as live:
            yield lambda history, _: live.update(_drawn(history))
    else:
        reported: set[tuple[str, int]] = set()

        def report(_: History, changed: list[StateProgress]) -> None:
            for state in changed:
                if state.failed_attempts and (state.name, state.failed_attempts) not in reported:
                    reported.add((state.name, state.failed_attempts))
                    output.say(f"  {state.name}: attempt {state.failed_attempts} failed: {state.last_error}")
                if state.status != "running":
                    output.say(f"  {_line(state)}")

        yield report


def _line(state: StateProgress) -> str:
    times = f" ({state.exited} times)" if state.entered > 1 else ""
    word = "" if state.status == "succeeded" else f" {state.status.upper()}"
    return f"{state.name}{times}{word} {state.seconds or 0:.1f} s"


def _drawn(history: History) -> Group:
    grid = Table.grid(padding=(0, 2))
    now = datetime.now(UTC)
    for state in history.states.values():
        done = f"{state.exited}/{state.entered}" if state.entered > 1 else ""
        retries = f"{state.failed_attempts} failed attempts" if state.failed_attempts else ""
        seconds = state.seconds if state.finished else max(0.0, (now - state.started).total_seconds())
        sign = {"succeeded": "[green]✓[/]", "failed": "[red]✗[/]"}.get(state.status)
        grid.add_row(Spinner("dots") if sign is None else _signed(sign), state.name, done, f"{seconds:.1f} s", retries)
    return Group(grid)


def _signed(sign: str) -> Text:
    return Text.from_markup(sign)
