"""c360 marts: the tables behind the views."""

import typer

from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, table

app = typer.Typer(name="marts", help="The marts: the tables behind the views.")


@app.callback()
def _marts() -> None:
    pass


@app.command(epilog=examples("c360 marts rebuild", "c360 marts rebuild --target aws --json"))
def rebuild(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Rebuild the marts from the vault, in one transaction; readers see the old rows until it ends.

    The content is what the nightly loads have made of it. The deployed load function does the work.
    """
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    with output.working("rebuilding the marts"):
        rows = open_deployment(target).invoke("LoadFunctionName", {"step": "rebuild"})
    output.show(table(["mart", "rows"], list(rows.items())))
    output.result({"rows": rows})
