"""c360 retract: take back a file that should never have come."""

from typing import Annotated

import typer

from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output
from cli.runs.executions import execution_input, start
from cli.runs.run_report import wait_for

EXAMPLES = examples(
    "c360 retract landing/transactions/dt=2026-11-01/wrong.csv",
)


def command(
    keys: Annotated[list[str], typer.Argument(help="The object's whole key, below landing/; several may be given.")],
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds to watch; the run itself goes on.", show_default=False)
    ] = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Take back all versions of a file: from now on, vault, marts and API are as if it had never come.

    What was known before stays: `known_at`, and the as-of functions, show it. A run does the work; it loads nothing
    else, and can be resumed like any other. The object itself stays in the landing zone, and is not loaded again.
    """
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    deployment = open_deployment(target)
    plain = [key.removeprefix(f"s3://{deployment.outputs.landing_bucket}/") for key in keys]
    for key in plain:  # a key that never came is an error here, not a run that fails and alerts
        deployment.invoke("LoadFunctionName", {"step": "explain_file", "key": key})
    request = execution_input([], deployment.outputs.landing_bucket, retract=plain)
    arn = start(deployment.step_functions, deployment.outputs.state_machine_arn, request)
    output.result(wait_for(deployment, arn, output, timeout=timeout))
