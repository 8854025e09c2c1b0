"""c360 lists: complete lists that would delete too much, and what becomes of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import UsageError
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, table
from cli.runs.executions import execution_input, start
from cli.runs.run_report import wait_for

if TYPE_CHECKING:
    from cli.deployment import Deployment

app = typer.Typer(
    no_args_is_help=True, help="Complete lists that are held because they would mark too many keys deleted."
)

ACCEPT_EXAMPLES = examples("c360 lists accept landing/customers/snapshot/dt=2026-11-01/all.csv")
DROP_EXAMPLES = examples("c360 lists drop landing/customers/snapshot/dt=2026-11-01/all.csv")

Keys = Annotated[list[str], typer.Argument(help="The whole key of a held list; several may be given.")]


@app.command("list")
def show(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """List the held lists, each with the reason."""
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    held = _held(open_deployment(target))
    columns = ("key", "effective_at", "reason", "run_id")
    if held:
        output.show(table(columns, [[each[column] for column in columns] for each in held]))
    else:
        output.show("no list is held")
    output.result({"held": held})


@app.command(epilog=ACCEPT_EXAMPLES)
def accept(keys: Keys, target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Load held lists, including their deletions. Name all parts of a list."""
    _run(keys, target, json, accept_deletions=True)


@app.command(epilog=DROP_EXAMPLES)
def drop(keys: Keys, target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Never load held lists. The objects stay in the landing zone."""
    _run(keys, target, json, accept_deletions=False)


def _run(keys: list[str], target: Target, json: bool, *, accept_deletions: bool) -> None:
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    deployment = open_deployment(target)
    unknown = sorted(set(keys) - {str(each["key"]) for each in _held(deployment)})
    if unknown:
        raise UsageError(f"no such list is held: {', '.join(unknown)}; `c360 lists list` names those that are")
    bucket = deployment.outputs.landing_bucket
    request = (
        execution_input(keys, bucket, accept_deletions=True)
        if accept_deletions
        else execution_input([], bucket, retract=keys)
    )
    arn = start(deployment.step_functions, deployment.outputs.state_machine_arn, request)
    output.result(wait_for(deployment, arn, output))


def _held(deployment: "Deployment") -> list[dict[str, object]]:
    held: list[dict[str, object]] = deployment.invoke("LoadFunctionName", {"step": "held_lists"})["held"]
    return held
