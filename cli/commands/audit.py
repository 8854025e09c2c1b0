"""c360 audit: who read or changed whose data, and whether the trail has been changed."""

from typing import Annotated, Any

import typer

from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, table

app = typer.Typer(no_args_is_help=True, help="Who read or changed whose data: verify the audit trail, and list it.")

_COLUMNS = ("record_id", "recorded_at", "action", "role", "subject", "route", "customer_id", "records")


@app.command(epilog=examples("c360 audit verify", "c360 audit verify --noted HASH"))
def verify(
    noted: Annotated[
        str | None,
        typer.Option("--noted", help="A hash that an earlier verification showed: it must still be in the trail."),
    ] = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Follow the chain of hashes from its beginning to its end. Status 1 when a record was changed or is missing.

    Note the hash that it shows somewhere else: with --noted, even a trail that was rewritten from the start is refused.
    With --json: `records`, `newest_id`, `newest_hash`.
    """
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    with output.working("verifying the audit trail"):
        verified = open_deployment(target).invoke("LoadFunctionName", {"step": "audit", "noted_hash": noted})
    output.show(f"{verified['records']} records, each chained to the one before")
    output.show(f"the newest, {verified['newest_id']}, has the hash {verified['newest_hash']}")
    output.result(verified)


@app.command("list", epilog=examples("c360 audit list --customer C000042", "c360 audit list --limit 20 --json"))
def list_records(
    customer: Annotated[str | None, typer.Option("--customer", help="Of this customer only, by id.")] = None,
    before: Annotated[int | None, typer.Option("--before", help="Records older than this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 100,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """List records, the newest first. With --json: `records`, each with its `filter` too."""
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    question: dict[str, Any] = {"step": "audit", "customer": customer, "before": before, "limit": limit}
    trail = open_deployment(target).invoke("LoadFunctionName", question)
    rows = [[record.get(column) for column in _COLUMNS] for record in trail["records"]]
    output.show(table(list(_COLUMNS), rows) if rows else "there are no such records")
    output.result(trail)
