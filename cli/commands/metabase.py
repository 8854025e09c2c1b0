"""c360 metabase: the dashboard in a Metabase."""

from typing import Annotated

import typer

from cli.options import BiUrlOption, JsonOption, Target, TargetOption, examples
from cli.output import Output

app = typer.Typer(name="metabase", help="The dashboard in a Metabase, as code.")

EXAMPLES = examples(
    "C360_METABASE_PASSWORD=… c360 metabase provision --target localstack --email you@example.com",
    "c360 metabase provision --url https://bi.example.com --database-url postgresql://… --no-public-link",
)


@app.callback()
def _metabase() -> None:
    pass


@app.command(epilog=EXAMPLES)
def provision(
    email: Annotated[str, typer.Option(envvar="C360_METABASE_EMAIL", help="The administrator's address.")],
    password: Annotated[
        str,
        typer.Option(
            envvar="C360_METABASE_PASSWORD", prompt=True, hide_input=True, help="Better given by the variable."
        ),
    ],
    url: Annotated[str, typer.Option(envvar="C360_METABASE_URL", help="Metabase.")] = "http://127.0.0.1:3000",
    database_url: BiUrlOption = None,
    public_link: Annotated[
        bool, typer.Option("--public-link/--no-public-link", help="A link that needs no account.")
    ] = True,
    wait: Annotated[float, typer.Option(min=0, help="Seconds until Metabase must be ready.")] = 300,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Make or update administrator, connection, collection, cards and dashboard, and run every card once.

    May be run again at any time: what it made is brought back to the description (dashboards/customer_360.yaml), what
    people made stays. To keep a change to one of its cards, copy the card.
    """
    from cli.bi_connection import bi_connection
    from cli.deployment import open_deployment
    from dashboards.description import load_dashboard
    from dashboards.metabase.client import Metabase
    from dashboards.metabase.provision import provision as provision_metabase

    output = Output(as_json=json)
    deployment = open_deployment(target)
    connection = bi_connection(deployment, database_url)
    with output.working("provisioning Metabase") as progress, Metabase(url) as metabase:
        metabase.wait(wait, progress)
        dashboard = load_dashboard()
        is_new = metabase.sign_in(email, password, dashboard.title)
        progress("the administrator was made" if is_new else "signed in")
        made = provision_metabase(
            metabase,
            dashboard,
            connection,
            explain_url=deployment.outputs.dashboard_url,
            public_link=public_link,
            progress=progress,
        )
    output.show(f"{made.dashboard_url}\n{made.cards_created} cards made, {made.cards_updated} updated")
    if made.public_url:
        output.show(f"without an account: {made.public_url}")
    output.result(
        {
            "dashboard_url": made.dashboard_url,
            "public_url": made.public_url,
            "cards_created": made.cards_created,
            "cards_updated": made.cards_updated,
            "administrator_created": is_new,
        }
    )
