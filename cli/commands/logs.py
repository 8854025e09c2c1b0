"""c360 logs: what the functions wrote."""

import re
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import UsageError
from cli.log_lines import LogLine, log_groups, read
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output
from cli.runs.executions import find

if TYPE_CHECKING:
    from cli.deployment import Deployment

EXAMPLES = examples(
    "c360 logs                               all functions, the last 15 minutes",
    "c360 logs load --follow",
    "c360 logs --run run-20261122T231455Z-ab12cd",
)
_SINCE = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_POLL_SECONDS = 1.0


class Function(StrEnum):
    """Whose log."""

    LOAD = "load"
    EXPORT = "export"
    MIGRATE = "migrate"
    API = "api"
    STREAM = "stream"


def command(
    function: Annotated[Function | None, typer.Argument(help="Only this function's log.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-F", help="Keep printing until Ctrl-C.")] = False,
    run: Annotated[str | None, typer.Option("--run", help="Only lines of this run, from its start.")] = None,
    since: Annotated[str | None, typer.Option(help="How far back: 90s, 15m, 2h, 1d, or an ISO 8601 instant.")] = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Print the functions' log lines, ordered by time."""
    from cli.deployment import open_deployment

    if follow and json:
        raise UsageError("--follow never ends, and --json is one object: leave one out")
    begin = since_instant(since or "15m", datetime.now(UTC))
    output = Output(as_json=json)
    deployment = open_deployment(target)
    if run:
        started = find(deployment.step_functions, deployment.outputs.state_machine_arn, run)
        run = started.run_id
        begin = begin if since else started.started
    groups = log_groups(deployment, [function] if function else list(Function))
    if function and not groups:
        raise UsageError(f"this deployment has no function {function} (the export comes with -c lake=enabled)")
    lines = read(deployment.logs, groups, begin, run_id=run)
    for line in lines:
        output.show(line.text)
    if follow:
        _follow(deployment, output, groups, begin, run, {line.event_id for line in lines})
    output.result({"lines": [line.as_json() for line in lines]})


def _follow(
    deployment: "Deployment",
    output: Output,
    groups: dict[str, str],
    begin: datetime,
    run: str | None,
    seen: set[str],
) -> None:
    latest: datetime = begin
    while True:
        time.sleep(_POLL_SECONDS)
        fresh: list[LogLine] = [
            line for line in read(deployment.logs, groups, latest, run_id=run) if line.event_id not in seen
        ]
        for line in fresh:
            output.show(line.text)
        seen |= {line.event_id for line in fresh}
        # Lines can come up to some seconds late; look back far enough to catch them, and no further.
        latest = max(begin, datetime.fromtimestamp(time.time() - 60, UTC))


def since_instant(text: str, now: datetime) -> datetime:
    """The instant that --since names. Raises UsageError when it is neither a duration nor an instant."""
    match = _SINCE.fullmatch(text)
    if match:
        return datetime.fromtimestamp(now.timestamp() - int(match[1]) * _UNITS[match[2]], UTC)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text}: give 90s, 15m, 2h, 1d, or an instant like 2026-11-22T23:00:00Z") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
