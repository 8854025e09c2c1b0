"""c360 drop: upload CSV files to where the nightly load finds them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import UsageError
from cli.files.landing import place
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, file_size, short_path, table

EXAMPLES = examples(
    "c360 drop sample                     the CSV files of a folder, for today",
    "c360 drop export.csv.gz --source customers --date 2026-11-01",
    "c360 drop customers.csv --snapshot   the complete list: who is missing left",
)


def command(
    files: Annotated[list[Path], typer.Argument(help="CSV files (.csv or .csv.gz), or folders of them.")],
    source: Annotated[
        str | None, typer.Option(help="The source of the files; by default recognized by file name or header.")
    ] = None,
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day from which the content is true (today, UTC).")
    ] = None,
    no_date: Annotated[
        bool, typer.Option("--no-date", help="The content is true from the instant of the upload.")
    ] = False,
    snapshot: Annotated[bool, typer.Option("--snapshot", help="The files are the complete list, not a delta.")] = False,
    key: Annotated[str | None, typer.Option("--as", help="The object's whole key, for one file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Upload even if an identical object is there.")] = False,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Upload CSV files to the landing zone of the data lake.

    An object that is there already with the same bytes is left alone.
    """
    from cli.deployment import open_deployment
    from cli.files.upload import drop

    if date and no_date:
        raise UsageError("--date and --no-date contradict each other")
    output = Output(as_json=json)
    placed = place(
        files, source=source, day=date.date() if date else None, dated=not no_date, snapshot=snapshot, key=key
    )
    deployment = open_deployment(target)
    with output.advancing("bytes") as advance:
        dropped = drop(deployment.s3, deployment.outputs.landing_bucket, placed, force=force, progress=advance)
    output.show(
        table(
            ["file", "key", "size", "status"],
            [[short_path(each.file), each.key, file_size(each.bytes), each.status] for each in dropped],
        )
    )
    if any(each.status == "uploaded" for each in dropped):
        output.say("next: c360 run --wait")
    output.result({"bucket": deployment.outputs.landing_bucket, "files": [each.as_json() for each in dropped]})
