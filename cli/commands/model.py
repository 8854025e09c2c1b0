"""c360 model: check the model file, and write the migration that a change of it needs."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import FileProblemError, UsageError
from cli.model_file import ModelOption, as_typed, read_model, refused
from cli.options import JsonOption, examples
from cli.output import Output

if TYPE_CHECKING:
    from functions.model.declaration import Model

EXAMPLES = examples(
    "c360 model check",
    "c360 model migration --name add_loyalty",
    "c360 up                                  applies it",
)
app = typer.Typer(
    no_args_is_help=True,
    epilog=EXAMPLES,
    help="The vault's model, sql/model.yaml: check it, and write the migration for a change.",
)


@app.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="The model file (sql/model.yaml).")] = None,
    json: JsonOption = False,
) -> None:
    """Check a model file: list every problem by line, column and field. Status 1 if there is any.

    Also warns of columns that look personal and are not declared, and says when the migrations lag behind it.
    With --json: `valid`, `problems`, `warnings`, `migration_needed`.
    """
    from functions.load.schema.migrate import read_migrations
    from functions.load.schema.recorded_model import recorded_model
    from functions.model.classification import undeclared
    from functions.model.render.migration import render_migration

    output = Output(as_json=json)
    path, text, model = read_model(file, output)
    migrated = recorded_model(read_migrations())
    _refuse_what_is_not_additive(path, text, migrated, model, output)
    needed = render_migration(migrated, model) is not None
    counts = ", ".join(f"{len(getattr(model, part))} {part}" for part in ("sources", "hubs", "links", "satellites"))
    output.show(f"{path} is valid: {counts}")
    warnings = [
        f"sources.{source}.columns.{column} looks like {kind} and is treated so: declare it (pii: {kind}, or pii: none)"
        for source, column, kind in undeclared(model)
    ]
    for warning in warnings:
        output.show(f"warning: {warning}")
    if needed:
        output.show("The tables are not as it says yet: c360 model migration --name WHAT_CHANGES")
    output.result({"valid": True, "problems": [], "warnings": warnings, "migration_needed": needed})


@app.command("migration")
def migration(
    name: Annotated[str, typer.Option("--name", help="What changes, as in add_loyalty.")],
    model: ModelOption = None,
    folder: Annotated[
        Path | None, typer.Option("--migrations", help="A folder other than sql/migrations.", file_okay=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write the next migration: what the model adds to the migrations so far. c360 up or a deploy applies it.

    Refuses what is not additive: a column, hub, link or satellite that is gone, another type, other keys.
    With --json: `file` and `sql`, both null when the migrations build the model already.
    """
    from functions.common.sql_files import SQL_FOLDER
    from functions.load.schema.migrate import read_migrations
    from functions.load.schema.recorded_model import recorded_model
    from functions.model.render.migration import render_migration

    if not re.fullmatch("[a-z0-9_]+", name):
        raise UsageError(f"--name {name}: small letters, digits and _ only")
    output = Output(as_json=json)
    folder = folder or SQL_FOLDER / "migrations"
    migrations = read_migrations(folder)
    path, text, declared = read_model(model, output)
    migrated = recorded_model(migrations)
    _refuse_what_is_not_additive(path, text, migrated, declared, output)
    rendered = render_migration(migrated, declared)
    if rendered is None:
        output.show("The migrations build this model already.")
        output.result({"file": None, "sql": None})
        return
    file = folder / f"{len(migrations) + 1:04}_{name}.sql"
    try:
        file.write_text(rendered, encoding="utf-8")
    except OSError as error:
        raise FileProblemError(f"cannot write {file}: {error.strerror}", file=str(file)) from error
    output.show(f"Wrote {as_typed(file)}: read it, then c360 up or a deploy applies it.")
    output.result({"file": str(file), "sql": rendered})


def _refuse_what_is_not_additive(path: Path, text: str, migrated: "Model", declared: "Model", output: Output) -> None:
    from functions.model.errors import located
    from functions.model.render.migration import not_additive

    problems = located(text, not_additive(migrated, declared))
    if problems:
        raise refused(path, tuple(problems), output)
