"""c360 backfill: load a past of any length, month by month."""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import FileProblemError
from cli.files.landing import Placed
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output
from cli.runs.executions import execution_input, start
from cli.runs.run_report import wait_for
from functions.common.landing import parse_key, states_instant, why_ignored

if TYPE_CHECKING:
    from functions.model.declaration import Source

EXAMPLES = examples(
    "c360 backfill history          history/customers/dt=2023-01-31/all.csv, …",
)

_UNDATED = datetime.max.replace(tzinfo=UTC)


def command(
    folder: Annotated[Path, typer.Argument(help="A folder of SOURCE/dt=DAY/FILE and SOURCE/snapshot/dt=DAY/FILE.")],
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Upload the files of a past, each true from its own day, and load them, a run for each month.

    Files may be older than what is loaded already: history, marts and API are as if they had come in time. Again, it
    goes on where it ended: what is there already is neither uploaded nor loaded twice. It stops at a run that fails.
    """
    from cli.deployment import open_deployment
    from cli.files.upload import drop
    from functions.model.reading import load_model

    output = Output(as_json=json)
    placed = history(folder, load_model().sources)
    deployment = open_deployment(target)
    with output.advancing("bytes") as advance:
        dropped = drop(deployment.s3, deployment.outputs.landing_bucket, [each for _, each in placed], progress=advance)
    uploaded = sum(each.status == "uploaded" for each in dropped)
    output.show(f"{uploaded} of {len(dropped)} files uploaded, the others were there")
    runs: list[dict[str, Any]] = []
    for first, last in months(placed):
        output.say(f"files of {first[:7]}")
        request = execution_input([], deployment.outputs.landing_bucket, **{"from": first, "to": last})
        is_waiting = True
        while is_waiting:  # a run takes so many files at most
            arn = start(deployment.step_functions, deployment.outputs.state_machine_arn, request)
            runs.append({"month": first[:7], **wait_for(deployment, arn, output)})
            is_waiting = runs[-1]["files_waiting"] > 0
    output.result({"files": [each.as_json() for each in dropped], "runs": runs})


def history(folder: Path, sources: "Mapping[str, Source]") -> list[tuple[datetime, Placed]]:
    """All files below the folder with their keys and the instants from which they are true, in that order.

    Raises FileProblemError for a folder without files, and for a file whose path does not say its source and day.
    """
    found = []
    for file in sorted(each for each in folder.rglob("*") if each.is_file() and not each.name.startswith(".")):
        key = f"landing/{file.relative_to(folder).as_posix()}"
        parsed = parse_key(key, _UNDATED)
        if parsed is None or parsed[0] not in sources:
            ignored = why_ignored(key, frozenset(sources))
            meant = f"; did you mean {ignored.nearest.removeprefix('landing/')}?" if ignored.nearest else ""
            raise FileProblemError(f"{file}: {ignored.reason}{meant}", file=str(file))
        if parsed[2] == _UNDATED:
            raise FileProblemError(f"{file}: no folder dt=YYYY-MM-DD says from when it is true", file=str(file))
        if sources[parsed[0]].effective_at == "upload" and not states_instant(key):
            reason = f"the model dates {parsed[0]} by their upload; only a folder at=YYYYMMDDTHHMMSSZ says otherwise"
            raise FileProblemError(f"{file}: {reason}", file=str(file))
        found.append((parsed[2], Placed(file, parsed[0], key)))
    if not found:
        raise FileProblemError(f"{folder} holds no files", file=str(folder))
    return sorted(found, key=lambda each: (each[0], each[1].key))


def months(placed: list[tuple[datetime, Placed]]) -> Iterator[tuple[str, str]]:
    """The first and the last day of each month in which files became true, in order."""
    for (year, month), _ in groupby(placed, key=lambda each: _month(each[0])):
        yield f"{year:04}-{month:02}-01", f"{year:04}-{month:02}-{monthrange(year, month)[1]}"


def _month(instant: datetime) -> tuple[int, int]:
    day = instant.astimezone(UTC)
    return day.year, day.month
