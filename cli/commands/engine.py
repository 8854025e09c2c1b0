"""c360 engine: Apache Spark, for a vault that outgrows one PostgreSQL: installed here, and a vault moved."""

import json as json_module
from typing import Annotated, Any

import typer

from cli.errors import UsageError
from cli.options import EngineName, JsonOption, Target, TargetOption, examples
from cli.output import Output, table
from cli.runs.executions import start
from cli.runs.run_report import failure, reported, watched

app = typer.Typer(name="engine", help="Apache Spark and Iceberg (optional).")


@app.callback()
def _engine() -> None:
    pass


@app.command(epilog=examples("c360 engine install"))
def install(json: JsonOption = False) -> None:
    """Install Spark and Iceberg below .environments (650 MB), for the engine's tests and benchmark.

    Needs Java 17 or 21, and Python 3.11 or 3.12 beside the one that runs this.
    """
    from local.paths import Paths
    from local.spark.spark import Spark, java_version

    output = Output(as_json=json)
    paths = Paths.default()
    version = java_version()
    spark = Spark(paths.state / "spark", paths.logs / "spark.log")
    with paths.private(), output.working("looking for Spark") as progress:
        spark.install(progress)
    output.show(f"Spark is installed in {spark.environment}, and runs on Java {version}")
    output.result({"environment": str(spark.environment), "java": version})


@app.command(
    epilog=examples(
        "c360 up --engine spark && c360 engine migrate spark",
        "c360 engine migrate postgresql && c360 up --engine postgresql",
        "c360 engine migrate spark --target aws     after cdk deploy with -c engine=spark",
    )
)
def migrate(
    engine: Annotated[EngineName, typer.Argument(help="The engine that is to keep the vault.")],
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds to watch; the move itself goes on.")] = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Move an existing vault to Spark, or back, between two nights.

    The deployment must have Spark, both ways. Every table is compared in both engines (rows, sums, a hash of every
    column); only where all are equal the next night is the other engine's. Killed or failed, run it again.
    """
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    deployment = open_deployment(target)
    if "WarehouseBucketName" not in deployment.stack_outputs:
        raise UsageError(
            "this deployment has no Spark: deploy it with -c engine=spark (on this machine: c360 up --engine spark),"
            " then migrate"
        )
    request = json_module.dumps({"move_to": engine.value})
    arn = start(deployment.step_functions, deployment.outputs.state_machine_arn, request)
    nothing: dict[str, object] = {"engine": engine.value, "is_moved": False, "tables": []}
    execution, history = watched(deployment, arn, output, nothing, timeout=timeout)
    result: dict[str, Any] = {
        "status": execution.status,
        "execution_arn": execution.arn,
        "run_id": execution.run_id,
        "seconds": execution.seconds,
        **nothing,
        **execution.output,
    }
    if execution.status != "SUCCEEDED":
        what_next = f"`c360 engine migrate {engine.value}` begins again, and nothing is switched until it succeeds"
        raise reported(output, result, failure(execution, history, what_next))
    if not result["is_moved"]:
        output.show(f"nothing to move: the vault is {engine.value}'s already, or nothing was ever loaded")
    else:
        moved = [[each["table"], each["rows"], str(each["snapshot_id"] or "")] for each in result["tables"]]
        output.show(table(["table", "rows, equal in both", "Iceberg snapshot"], moved))
        output.show(f"the vault is {engine.value}'s since {execution.run_id} ({execution.seconds} s)")
        if engine is EngineName.POSTGRESQL:
            output.show(
                "now deploy with -c engine=postgresql (on this machine: c360 up --engine postgresql): until then,"
                " nights are refused"
            )
    output.result(result)
