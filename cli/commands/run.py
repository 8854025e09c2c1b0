"""c360 run: the nightly load, now."""

import json as json_module
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import CliError, DeploymentError, QueryError, RunFailedError, UsageError
from cli.execution_history import History
from cli.executions import Execution, execution_input, find, follow, report_of, start
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, table
from cli.run_progress import display

if TYPE_CHECKING:
    from cli.deployment import Deployment

EXAMPLES = examples(
    "c360 run --wait          load what was dropped, and watch",
    "c360 run --file landing/customers/dt=2026-11-01/customers.csv --wait",
    "c360 run --from 2026-01-01 --to 2026-01-31 --wait          a backfill",
    "c360 run --resume run-20261122T231455Z-ab12cd --wait",
)
_FILE_FIELDS = ("key", "status", "reason", "rows_read", "loaded", "unchanged", "duplicate", "quarantined", "overruled")
_DRIFT = "unknown_columns"
_DAY = ["%Y-%m-%d"]
_LOCAL_POLL_SECONDS = 0.25
_AWS_POLL_SECONDS = 1.0


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


def wait_for(deployment: "Deployment", arn: str, output: Output, *, timeout: float | None = None) -> dict[str, Any]:
    """Follow an execution, show its progress and its report, and return the JSON that `c360 run` promises.

    Raises RunFailedError (after showing what is known) when it ends as anything but SUCCEEDED, RunTimeoutError when
    `timeout` seconds have passed.
    """
    run_id = arn.rpartition(":")[2]
    output.say(f"run {run_id}")
    every = _LOCAL_POLL_SECONDS if deployment.is_local else _AWS_POLL_SECONDS
    unfinished: dict[str, Any] = {"status": "RUNNING", "execution_arn": arn, "run_id": run_id, "seconds": None}
    try:
        with display(output) as watch:
            execution, history = follow(deployment.step_functions, arn, watch, every=every, timeout=timeout)
    except KeyboardInterrupt:
        output.say(f"stopped watching; {run_id} goes on: `c360 runs` shows how it ends")
        raise
    except CliError as error:
        raise _reported(output, unfinished | {"files": []}, error) from error
    report = report_of(execution) or _report_of_ledger(deployment, run_id)
    _show(output, execution, report)
    if execution.status != "SUCCEEDED":
        raise _reported(output, result_of(execution, report), _failure(execution, history))
    return result_of(execution, report)


def result_of(execution: Execution, report: dict[str, Any]) -> dict[str, Any]:
    """The stable JSON of a run, with the report's steps and totals beside it."""
    return {
        "status": execution.status,
        "execution_arn": execution.arn,
        "run_id": execution.run_id,
        "seconds": execution.seconds,
        "files": [
            {field: file.get(field) for field in _FILE_FIELDS} | {_DRIFT: file.get(_DRIFT, [])}
            for file in report.get("files", [])
        ],
        "files_omitted": report.get("files_omitted", 0),
        "files_waiting": report.get("files_waiting", 0),
        "retracted": report.get("retracted", []),
        "steps": report.get("steps", []),
        "totals": report.get("totals", {}),
    }


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
    if not deployment.is_local:
        return False
    with deployment.database() as connection:
        row = connection.execute("select from metadata.load_run where run_id = %s", (run_id,)).fetchone()
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


def _report_of_ledger(deployment: "Deployment", run_id: str) -> dict[str, Any]:
    """The report of a run whose output is none, since it failed; empty where the database cannot be reached."""
    import psycopg

    from functions.load.plan.finish import report

    try:
        with deployment.database() as connection:
            return report(connection, run_id)
    except (DeploymentError, QueryError, psycopg.Error):
        return {}


def _failure(execution: Execution, history: History) -> RunFailedError:
    error, cause = execution.error or history.error, execution.cause or history.cause
    step = next((state.name for state in history.states.values() if state.status == "failed"), None)
    why = ": ".join(part for part in (error, _plain(cause)) if part)
    return RunFailedError(
        f"run {execution.run_id} {execution.status}{f' at {step}' if step else ''}{f': {why}' if why else ''}; "
        f"`c360 logs --run {execution.run_id}` shows more, `c360 run --resume {execution.run_id}` goes on from there",
        error=error,
        cause=cause,
        step=step,
    )


def _plain(cause: str | None) -> str | None:
    """A Lambda function's cause is JSON with the sentence in it and a stack trace; other causes are sentences."""
    if not cause:
        return None
    try:
        parsed = json_module.loads(cause)
    except ValueError:
        return cause
    return str(parsed.get("errorMessage") or cause) if isinstance(parsed, dict) else cause


def _reported(output: Output, result: dict[str, Any], error: CliError) -> CliError:
    """Print the result with the error in it, since stdout is to be one object also then."""
    output.result(result | {"error": {"code": error.code, "message": error.message, **error.fields}})
    error.is_reported = True
    return error


def _show(output: Output, execution: Execution, report: dict[str, Any]) -> None:
    files, totals = report.get("files", []), report.get("totals", {})
    counts = _FILE_FIELDS[3:]
    if files:
        rows = [[*map(file.get, _FILE_FIELDS), ", ".join(file.get(_DRIFT, []))] for file in files]
        for row in rows:
            row[0] = str(row[0]).removeprefix("landing/")
        if len(files) > 1:
            rows.append(["total", None, None, *(totals.get(count) for count in counts), None])
        names = (*_FILE_FIELDS, _DRIFT)
        shown = [name for name in names if name not in ("reason", _DRIFT) or any(file.get(name) for file in files)]
        keep = [names.index(name) for name in shown]
        output.show(table(shown, [[row[position] for position in keep] for row in rows]))
        if omitted := report.get("files_omitted"):
            output.show(f"and {omitted} more files, counted in the total: they are in metadata.object_version")
        output.show("")
    steps = [[step.get("step"), step.get("seconds"), step.get("rows")] for step in report.get("steps", [])]
    if steps and files:
        output.show(table(["step", "seconds", "rows"], steps))
        output.show("")
    for gone in report.get("retracted", []):
        done = {"RETRACTED": "taken back", "REPLACED": "replaced by its newer version"}[gone["cause"]]
        output.show(f"{gone['key']}: {done}")
    if execution.status == "SUCCEEDED" and not files and not report.get("retracted"):
        output.show("nothing new to load")
    if waiting := report.get("files_waiting"):
        output.show(f"{waiting} more files wait for the next run, since one run takes only so many: run it again")
    output.show(f"{execution.status} in {execution.seconds} s")
