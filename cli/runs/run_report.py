"""Following a run to its end, and its report: as the JSON of `c360 run`, and for people."""

import json
from typing import TYPE_CHECKING, Any

from cli.errors import CliError, DeploymentError, QueryError, RunFailedError
from cli.output import Output, table
from cli.runs.execution_history import History
from cli.runs.executions import Execution, follow, report_of
from cli.runs.run_progress import display

if TYPE_CHECKING:
    from cli.deployment import Deployment

_FILE_FIELDS = ("key", "status", "reason", "rows_read", "loaded", "unchanged", "duplicate", "quarantined", "overruled")
_DRIFT = "unknown_columns"
_LOCAL_POLL_SECONDS = 0.25
_AWS_POLL_SECONDS = 1.0


def wait_for(deployment: "Deployment", arn: str, output: Output, *, timeout: float | None = None) -> dict[str, Any]:
    """Follow an execution, show its progress and its report, and return the JSON that `c360 run` promises.

    Raises RunFailedError (after showing what is known) when it ends as anything but SUCCEEDED, RunTimeoutError when
    `timeout` seconds have passed.
    """
    execution, history = watched(deployment, arn, output, {"files": []}, timeout=timeout)
    report = report_of(execution) or _report_of_ledger(deployment, execution.run_id)
    _show(output, execution, report)
    if execution.status != "SUCCEEDED":
        raise reported(output, result_of(execution, report), _failure(execution, history))
    return result_of(execution, report)


def watched(
    deployment: "Deployment", arn: str, output: Output, nothing: dict[str, Any], *, timeout: float | None = None
) -> tuple[Execution, History]:
    """Follow an execution with its progress. `nothing`: what else the JSON says when it is not followed to its end.

    Raises RunTimeoutError when `timeout` seconds have passed.
    """
    run_id = arn.rpartition(":")[2]
    output.say(f"run {run_id}")
    every = _LOCAL_POLL_SECONDS if deployment.is_local else _AWS_POLL_SECONDS
    unfinished: dict[str, Any] = {"status": "RUNNING", "execution_arn": arn, "run_id": run_id, "seconds": None}
    try:
        with display(output) as watch:
            return follow(deployment.step_functions, arn, watch, every=every, timeout=timeout)
    except KeyboardInterrupt:
        output.say(f"stopped watching; {run_id} goes on: `c360 runs` shows how it ends")
        raise
    except CliError as error:
        raise reported(output, unfinished | nothing, error) from error


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
        "held": report.get("held", 0),
        "ignored": report.get("ignored", []),
        "ignored_count": report.get("ignored_count", 0),
        "checks": report.get("checks", []),
        "retracted": report.get("retracted", []),
        "steps": report.get("steps", []),
        "totals": report.get("totals", {}),
    }


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
    return failure(execution, history, f"`c360 run --resume {execution.run_id}` goes on from there")


def failure(execution: Execution, history: History, what_next: str) -> RunFailedError:
    """Where and why it failed, and what to do next."""
    error, cause = execution.error or history.error, execution.cause or history.cause
    step = next((state.name for state in history.states.values() if state.status == "failed"), None)
    why = ": ".join(part for part in (error, _plain(cause)) if part)
    return RunFailedError(
        f"run {execution.run_id} {execution.status}{f' at {step}' if step else ''}{f': {why}' if why else ''}; "
        f"`c360 logs --run {execution.run_id}` shows more, {what_next}",
        error=error,
        cause=cause,
        step=step,
    )


def _plain(cause: str | None) -> str | None:
    """A Lambda function's cause is JSON with the sentence in it and a stack trace; other causes are sentences."""
    if not cause:
        return None
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    return str(parsed.get("errorMessage") or cause) if isinstance(parsed, dict) else cause


def reported(output: Output, result: dict[str, Any], error: CliError) -> CliError:
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
    _show_findings(output, report)
    if execution.status == "SUCCEEDED" and not files and not report.get("retracted"):
        output.show("nothing new to load")
    if waiting := report.get("files_waiting"):
        output.show(f"{waiting} more files wait for the next run, since one run takes only so many: run it again")
    output.show(f"{execution.status} in {execution.seconds} s")


def _show_findings(output: Output, report: dict[str, Any]) -> None:
    """What was left alone, and which checks failed: nothing of it is silent."""
    if ignored := report.get("ignored"):
        rows = [[each["key"].removeprefix("landing/"), each["reason"], each.get("nearest")] for each in ignored]
        output.show(table(["left alone", "reason", "meant?"], rows))
        if (others := report.get("ignored_count", 0) - len(ignored)) > 0:
            output.show(f"and {others} more objects that are no files of a source")
        output.show("")
    if checks := report.get("checks"):
        names = ("rule", "severity", "observed")
        output.show(table(["failed check", *names[1:]], [[check.get(name) for name in names] for check in checks]))
        output.show("")
    if held := report.get("held"):
        output.show(f"{held} files of complete lists are held: `c360 lists list` shows why, `accept` or `drop` decides")
