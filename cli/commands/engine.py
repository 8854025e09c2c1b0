"""c360 engine: Apache Spark on this machine, for a vault that outgrows one PostgreSQL."""

import typer

from cli.options import JsonOption, examples
from cli.output import Output

app = typer.Typer(name="engine", help="Apache Spark and Iceberg on this machine (optional).")


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
