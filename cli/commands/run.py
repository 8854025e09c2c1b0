"""c360 run: the nightly load, now."""

import json as json_module
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import UsageError
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output
from cli.runs.executions import execution_input, find, start
from cli.runs.run_report import wait_for

if TYPE_CHECKING:
    from cli.deployment import Deployment

EXAMPLES = examples(
    "c360 run --wait          load what was dropped, and watch",
    "c360 run --file landing/customers/dt=2026-11-01/customers.csv --wait",
    "c360 run --from 2026-01-01 --to 2026-01-31 --wait",
    "c360 run --resume run-20261122T231455Z-ab12cd --wait",
)
_DAY = ["%Y-%m-%d"]


def command(
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")] = False,
    file: Annotated[list[str] | None, typer.Option("--file", help="Load only this key; repeatable.")] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", help="Do what this run left undone; what it finished is skipped.")
    ] = None,
    first_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=_DAY, help="Only files that became true on this day (UTC) or later."),
    ] = None,
    last_day: Annotated[
        datetime | None,
        typer.Option("--to", formats=_DAY, help="Only files that became true on this day (UTC) or earlier."),
    ] = None,
    accept_deletions: Annotated[
        bool,
        typer.Option("--accept-deletions", help="What is missing from a snapshot is deleted, however much it is."),
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds to watch (implies --wait); the run itself goes on.")
    ] = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Start the nightly load. With --wait, follow it and report what became of every file.

    Bad rows and bad files do not fail a run: see each file's status and reason. The exit status is non-zero when
    the run does not end as SUCCEEDED.
    """
    from cli.deployment import open_deployment

    if resume and (file or first_day or last_day):
        raise UsageError("--resume takes the files of the run it resumes: leave --file, --from and --to out")
    if first_day and last_day and first_day > last_day:
        raise UsageError("--from is after --to: no file could be meant")
    output = Output(as_json=json)
    deployment = open_deployment(target)
    more: dict[str, object] = {"accept_deletions": accept_deletions}
    if resume:
        request = _resumed(deployment, resume, more)
    else:
        days = {"from": first_day, "to": last_day}
        more |= {name: day.date().isoformat() for name, day in days.items() if day}
        request = _requested(deployment, file or [], more)
    arn = start(deployment.step_functions, deployment.outputs.state_machine_arn, request)
    run_id = arn.rpartition(":")[2]
    if not wait and timeout is None:
        output.show(f"started {run_id}; `c360 runs` shows how it ends")
        output.result({"status": "RUNNING", "execution_arn": arn, "run_id": run_id, "seconds": None, "files": []})
        return
    result = wait_for(deployment, arn, output, timeout=timeout)
    output.result(result)


def _resumed(deployment: "Deployment", run_id: str, more: dict[str, object]) -> str:
    """The input of the run to resume, with what is to be different."""
    try:
        earlier = find(deployment.step_functions, deployment.outputs.state_machine_arn, run_id)
    except UsageError:
        if not _is_in_ledger(deployment, run_id):
            raise
        return execution_input([], deployment.outputs.landing_bucket, **more)
    if earlier.status == "RUNNING":
        raise UsageError(f"run {earlier.run_id} is still running: wait for its end", run_id=earlier.run_id)
    request: dict[str, Any] = json_module.loads(earlier.input)
    request |= {name: value for name, value in more.items() if value}
    return execution_input(request.pop("files", None) or [], deployment.outputs.landing_bucket, **request)


def _is_in_ledger(deployment: "Deployment", run_id: str) -> bool:
    """Whether the database remembers a run that LocalStack, which starts empty, has forgotten."""
    from functions.common.sql_files import read_sql

    if not deployment.is_local:
        return False
    with deployment.database() as connection:
        row = connection.execute(read_sql("cli/run_in_ledger.sql"), (run_id,)).fetchone()
        return row is not None


def _requested(deployment: "Deployment", keys: list[str], more: dict[str, object]) -> str:
    from botocore.exceptions import ClientError

    request = execution_input(keys, deployment.outputs.landing_bucket, **more)
    for key in json_module.loads(request).get("files", []):
        try:
            deployment.s3.head_object(Bucket=deployment.outputs.landing_bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in ("404", "NoSuchKey", "NotFound"):
                raise
            raise UsageError(f"--file {key}: no such object in {deployment.outputs.landing_bucket}", key=key) from None
    return request
