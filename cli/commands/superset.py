"""c360 superset: the dashboard in an Apache Superset on this machine."""

from typing import Annotated

import typer

from cli.options import BiUrlOption, JsonOption, Target, TargetOption, examples
from cli.output import Output

app = typer.Typer(name="superset", help="The dashboard in an Apache Superset on this machine (optional).")

PortOption = Annotated[int, typer.Option(envvar="C360_SUPERSET_PORT", min=1, max=65535, help="Superset's port.")]


@app.callback()
def _superset() -> None:
    pass


@app.command(epilog=examples("c360 superset up", "c360 superset up --port 8090 --json"))
def up(
    port: PortOption = 8088,
    database_url: BiUrlOption = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Install Superset into the state folder, import data sets, charts and dashboard, and serve it on 127.0.0.1.

    Takes minutes and 650 MB when first run. Run again, it imports the description over its own charts.
    """
    from cli.bi_connection import bi_connection
    from cli.deployment import open_deployment
    from dashboards.description import load_dashboard
    from dashboards.superset.bundle import CONNECTION_HOST, bundle
    from local.paths import Paths
    from local.servers.superset import Superset

    output = Output(as_json=json)
    connection = bi_connection(open_deployment(target), database_url)
    paths = Paths.default()
    superset = Superset(paths.state / "superset", port, paths.logs / "superset.log")
    with paths.private(), output.working("starting Superset") as progress:
        superset.up(bundle(load_dashboard()), (CONNECTION_HOST, connection.url), progress)
    name, password = superset.user
    address = f"{superset.url}/superset/dashboard/customer-360/"
    output.show(f"{address}\nsign in as {name} with {password}")
    output.result({"dashboard_url": address, "user": name, "password": password})


@app.command()
def down(json: JsonOption = False) -> None:
    """Stop Superset; what people made in it stays."""
    from local.paths import Paths
    from local.servers.superset import Superset

    paths = Paths.default()
    Superset(paths.state / "superset", 0, paths.logs / "superset.log").down()
    Output(as_json=json).result({"stopped": True})
