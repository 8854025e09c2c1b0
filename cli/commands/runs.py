"""c360 runs: the loads so far."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DeploymentError, QueryError
from cli.options import JsonOption, Target, TargetOption
from cli.output import Output, table

if TYPE_CHECKING:
    from cli.deployment import Deployment

SLA_SECONDS = 15 * 60
"""The nightly load is promised to take no longer than this."""

_FIGURES = """
select
    run.run_id,
    run.execution_arn,
    run.status,
    run.started_at,
    run.finished_at,
    run.error,
    count(object.object_id) as files,
    coalesce(sum(object.rows_read), 0)::bigint as rows_read,
    coalesce(sum(object.rows_loaded), 0)::bigint as loaded
from metadata.load_run as run
left join metadata.object_version as object on object.run_id = run.run_id
group by run.run_id
order by run.started_at desc
limit %s
"""


def command(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the latest first.")] = 20,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """List the latest runs: how they ended, how long they took, and whether they met the limit of 15 minutes."""
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    runs = merged(_executions(deployment := open_deployment(target), limit), _figures(deployment, limit))[:limit]
    columns = ["run_id", "status", "started_at", "seconds", "SLA", "files", "rows_read", "loaded", "error"]
    rows = [
        [_sla(run["within_sla"]) if name == "SLA" else run.get(name) for name in columns]
        for run in runs
    ]  # fmt: skip
    output.show(table(columns, rows) if runs else "no runs yet: c360 run --wait")
    output.result({"runs": runs})


def _sla(within: bool | None) -> str:
    return {True: "kept", False: "over 15 min"}.get(within, "") if within is not None else ""


def merged(executions: list[dict[str, Any]], figures: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Executions with the database's figures, and runs that only the database remembers; the latest first.

    `within_sla`: whether the run took, or has taken so far, at most SLA_SECONDS.
    """
    runs = {run["run_id"]: dict(run) for run in executions}
    for run_id, known in figures.items():
        run = runs.setdefault(run_id, dict(known))
        run |= {name: known[name] for name in ("files", "rows_read", "loaded", "error")}
    for run in runs.values():
        taken = ((run["finished_at"] or datetime.now(UTC)) - run["started_at"]).total_seconds()
        run["seconds"] = round(taken, 3) if run["finished_at"] else None
        run["within_sla"] = taken <= SLA_SECONDS
    return sorted(runs.values(), key=lambda run: run["started_at"], reverse=True)


def _executions(deployment: "Deployment", limit: int) -> list[dict[str, Any]]:
    answer = deployment.step_functions.list_executions(
        stateMachineArn=deployment.outputs.state_machine_arn, maxResults=limit
    )
    return [
        {
            "run_id": each["name"],
            "status": each["status"],
            "execution_arn": each["executionArn"],
            "started_at": each["startDate"],
            "finished_at": each.get("stopDate"),
        }
        for each in answer["executions"]
    ]


def _figures(deployment: "Deployment", limit: int) -> dict[str, dict[str, Any]]:
    """The ledger's records of the latest runs, by run id; nothing where it cannot be reached."""
    import psycopg
    from psycopg.rows import dict_row

    try:
        with deployment.database() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return {row["run_id"]: row for row in cursor.execute(_FIGURES, (limit,))}
    except (DeploymentError, QueryError, psycopg.Error):
        return {}
