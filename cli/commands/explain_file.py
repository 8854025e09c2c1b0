"""c360 explain-file: what became of a file, from its rows to the marts."""

from typing import Annotated, Any

import typer

from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, table

EXAMPLES = examples(
    "c360 explain-file landing/transactions/dt=2026-11-01/transactions.csv",
    "c360 explain-file landing/customers/dt=2026-11-01/customers.csv --json",
)
_PARTS = ("duplicate", "overruled", "quarantined", "not_yet_in_force", "retracted", "forgotten")


def command(
    key: Annotated[str, typer.Argument(help="The object's whole key, which begins with landing/.")],
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Show what became of a file: which of its rows and measures are in force, and what happened to the rest.

    file = in force + superseded (by which file) + duplicate + overruled + quarantined + not yet in force. A version of
    the key that was taken back or replaced has what it had said as retracted.
    """
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    deployment = open_deployment(target)
    explained = deployment.invoke("LoadFunctionName", {"step": "explain_file", "key": key})
    for version in explained["versions"]:
        output.show(_heading(version))
        if version["outcome"] is not None:
            output.show(_outcome(version["outcome"]))
        output.show("")
    output.result(explained)


def _heading(version: dict[str, Any]) -> str:
    retraction = {"RETRACTED": ", taken back", "REPLACED": ", replaced"}.get(version["retraction"] or "", "")
    reason = f": {version['reason']}" if version["reason"] else ""
    since = f"version {version['version_id']}, in force from {version['effective_at']}"
    return f"{since}: {version['status']}{retraction}{reason}"


def _outcome(outcome: dict[str, Any]) -> Any:
    names = list(outcome)
    files = {each["by"] for entry in outcome.values() for each in entry["superseded"]}
    rows: list[list[object]] = [["in the file", *(outcome[name]["file"] for name in names)]]
    rows.append(["in force", *(outcome[name]["in_force"] for name in names)])
    for file in sorted(files):
        amounts = [{each["by"]: each["amount"] for each in outcome[name]["superseded"]}.get(file) for name in names]
        rows.append([f"superseded by {file.removeprefix('landing/')}", *amounts])
    rows += [
        [part.replace("_", " "), *(outcome[name][part] for name in names)]
        for part in _PARTS
        if any(outcome[name][part].strip("0.-") for name in names)
    ]
    if any(outcome[name]["in_marts"] is not None for name in names):
        rows.append(["in force, as the marts show it", *(outcome[name]["in_marts"] for name in names)])
    return table(["", *names], rows)
