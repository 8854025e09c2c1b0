"""c360 quarantine: the rows that were set aside, and how they come back once they are corrected."""

from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import UsageError
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, stdout_for_csv, table

app = typer.Typer(no_args_is_help=True, help="List the rejected rows, export, correct and replay them.")

_FileOption = Annotated[
    str | None, typer.Option("--file", help="Only rows of this file: its key, or the end of the key.")
]
_RuleOption = Annotated[
    str | None, typer.Option("--rule", help="Only rows that break this rule, or any rule of this column.")
]
_RunOption = Annotated[str | None, typer.Option("--run", help="Only rows that this run rejected.")]
_AllOption = Annotated[bool, typer.Option("--all", help="Also rows that were replayed since.")]


@app.command(
    "list", epilog=examples("c360 quarantine list --rule row.field_count", "c360 quarantine list --file orders.csv")
)
def list_rows(
    file: _FileOption = None,
    rule: _RuleOption = None,
    run: _RunOption = None,
    everything: _AllOption = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the oldest first.")] = 100,
    after: Annotated[int, typer.Option(min=0, help="Only rows after this id.")] = 0,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """List rows in quarantine: file, line and broken rules. Personal cells are hidden."""
    from cli.deployment import open_deployment
    from cli.files.quarantine_rows import find

    output = Output(as_json=json)
    page = find(open_deployment(target), file=file, rule=rule, run=run, replayed=everything, limit=limit, after=after)
    columns = ["id", "file", "line", "reasons", *(["replayed by"] if everything else [])]
    shown = [
        [row["quarantine_id"], _short(row["file"]), row["line"], ", ".join(row["reasons"]), _short(row["replayed_by"])]
        for row in page["rows"]
    ]
    output.show(table(columns, [row[: len(columns)] for row in shown]) if shown else "nothing is in quarantine")
    if page["next"]:
        output.show(f"and more: c360 quarantine list --after {page['next']}")
    output.result(page)


@app.command("show")
def show_row(
    quarantine_id: Annotated[int, typer.Argument(help="The row's id, as `list` shows it.", metavar="ID")],
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Show everything about one row, including its cells."""
    from cli.deployment import open_deployment
    from cli.files.quarantine_rows import find

    output = Output(as_json=json)
    answer = find(open_deployment(target), ids=[quarantine_id], replayed=True, persons=True, asked_by=getuser())
    rows = answer["rows"]
    if not rows:
        raise UsageError(f"there is no row {quarantine_id} in quarantine: `c360 quarantine list` lists them")
    (row,) = rows
    facts: dict[str, Any] = {name: value for name, value in row.items() if name not in ("raw", "raw_text", "reasons")}
    facts["reasons"] = ", ".join(row["reasons"])
    output.show(table(["", ""], [[name, _plain(value)] for name, value in facts.items() if value is not None]))
    output.show("")
    if row["raw"] is None:
        output.show(row["raw_text"])
    else:
        output.show(table(["column", "value"], [[name, value] for name, value in row["raw"].items()]))
    output.result({"row": row})


@app.command(
    "export",
    epilog=examples("c360 quarantine export --source transactions -o wrong.csv", "c360 quarantine replay wrong.csv"),
)
def export_rows(
    source: Annotated[str | None, typer.Option(help="Rows of this source, when there are several.")] = None,
    file: _FileOption = None,
    rule: _RuleOption = None,
    run: _RunOption = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The CSV file to write; else stdout.")] = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Write rows as CSV, to be corrected (in a spreadsheet, for example) and replayed.

    Its columns are the source's, and _quarantine_id, _file, _line and _reasons, which stay as they are. A line that
    could not be split into columns stands in _raw_text, for its cells to be filled in.
    """
    from cli.deployment import open_deployment
    from cli.files.quarantine_rows import find_all, write_export

    if json and out is None:
        raise UsageError("--json needs a file for the rows: -o FILE")
    output = Output(as_json=json)
    rows = find_all(open_deployment(target), file=file, rule=rule, run=run, persons=True, asked_by=getuser())
    sources = sorted({row["source"] for row in rows if source in (None, row["source"])})
    if len(sources) > 1:
        raise UsageError(f"there are rows of {', '.join(sources)}, whose columns differ: choose with --source")
    chosen = [row for row in rows if row["source"] in sources]
    if out is None:
        write_export(chosen, stdout_for_csv())
        return
    with out.open("w", encoding="utf-8", newline="") as stream:
        write_export(chosen, stream)
    output.show(f"{len(chosen)} rows in {out}; correct them, then: c360 quarantine replay {out}")
    output.result({"file": str(out), "source": sources[0] if sources else None, "rows": len(chosen)})


@app.command("replay")
def replay_rows(
    file: Annotated[Path, typer.Argument(help="An export whose rows have been corrected; drop lines from it freely.")],
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Drop corrected rows into the landing zone; the next run loads them at the instant of their own file.

    Rows that were replayed before are left out. The run that loads the rest marks them as replayed; what is still
    wrong comes back as a new row in quarantine.
    """
    from cli.deployment import open_deployment
    from cli.files.quarantine_replay import read_corrected, replay

    output = Output(as_json=json)
    corrected = read_corrected(file)
    replayed = replay(open_deployment(target), corrected)
    output.show(table(["key", "rows", "status"], [[each.key, each.rows, each.status] for each in replayed]))
    left_out = len(corrected.rows) - sum(each.rows for each in replayed)
    if left_out:
        output.show(f"{left_out} rows were replayed before and are left out")
    if any(each.status == "uploaded" for each in replayed):
        output.say("next: c360 run --wait")
    output.result({"files": [vars(each) for each in replayed], "left_out": left_out})


def _short(key: str | None) -> str | None:
    return None if key is None else key.removeprefix("landing/")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, int) else value
