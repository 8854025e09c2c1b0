"""c360 sql: ask the database; c360 sql render: print the SQL that the model stands for."""

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cli.errors import FileProblemError, QueryError, UsageError
from cli.model_file import ModelOption, read_model
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, as_text, stdout_for_csv, table

if TYPE_CHECKING:
    import psycopg

EXAMPLES = examples(
    'c360 sql "select * from business_vault.vw_customer_360 limit 5"',
    "c360 sql -f report.sql --csv > report.csv",
    "c360 sql                              psql, when it is installed",
    "c360 sql --write -f correction.sql    statements that change data",
    "c360 sql render --table hub_order     the SQL rendered from sql/model.yaml",
)
RENDER_EXAMPLES = examples(
    "c360 sql render --kind ddl",
    "c360 sql render --source transactions --kind stage",
    "c360 sql render --table sat_order_line --json",
)
_ROWS_SHOWN = 200
_OF_A_TUNNEL = ("hostaddr", "sslmode", "sslrootcert")

# An administrator who is no superuser may not take this role, and owns no files and programs of the server either.
_LEAST_RIGHTS = "select set_config('role', 'pg_read_all_data', true) where pg_has_role('pg_read_all_data', 'set')"
_REFUSALS = {
    "25001": "`c360 sql` only reads; --write lets it change data",  # active_sql_transaction: no read write any more
    "25006": "`c360 sql` only reads; --write lets it change data",  # read_only_sql_transaction
    "2D000": "`c360 sql` only reads; --write runs as the administrator",  # invalid_transaction_termination
    "42501": "`c360 sql` only reads; --write runs as the administrator",  # insufficient_privilege
}
_SEVERAL = "multiple commands into a prepared statement"


class _QueryUnlessNamed(TyperGroup):
    """A group whose command `query` needs no name: c360 sql "select 1"."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = ["query", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_QueryUnlessNamed, help="Query the database; render: print the SQL of the model.")


class Kind(StrEnum):
    """What a statement is for."""

    DDL = "ddl"
    STAGE = "stage"
    LOAD = "load"
    CHECKS = "checks"


@app.command("query", epilog=EXAMPLES)
def query(
    query: Annotated[str | None, typer.Argument(help="SQL; without it, -f or psql.")] = None,
    file: Annotated[
        Path | None, typer.Option("-f", "--file", help="A file of SQL; - is stdin.", allow_dash=True)
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Run as the administrator, who may change data.")] = False,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Run a query on the database: one statement, which may read all data and change none.

    On AWS through `c360 tunnel`, as c360_bi, or as $C360_DATABASE_USER.

    With --write: any number of statements as the administrator, in one transaction.

    `c360 sql render` prints the SQL rendered from the model, see `c360 sql render --help`.

    With --json: the last statement's `columns` and `rows`; numeric values are strings, so that no digit is lost.
    """
    from cli.deployment import open_deployment

    if query and file:
        raise UsageError("give a query or -f, not both")
    if as_csv and json:
        raise UsageError("--csv and --json contradict each other")
    statement = query if query is not None else _read(file) if file else None
    if statement is None and (json or as_csv):
        raise UsageError("give a query, or a file of SQL with -f")
    deployment = open_deployment(target)
    if statement is None:
        with deployment.database() as connection:
            info = connection.info
            where = {"PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user, "PGDATABASE": info.dbname}
            where["PGPASSWORD"] = info.password
            verified = info.get_parameters()  # through a tunnel
            where |= {f"PG{name.upper()}": verified[name] for name in _OF_A_TUNNEL if name in verified}
        raise typer.Exit(_psql(where, write=write))
    with deployment.database() as connection:
        columns, rows, message = (execute if write else read)(connection, statement)
    output = Output(as_json=json)
    if as_csv:
        writer = csv.writer(stdout_for_csv(), lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if value is None else as_text(value) for value in row] for row in rows])
        return
    if columns:
        output.show(table(columns, rows[:_ROWS_SHOWN]))
        more = f", the first {_ROWS_SHOWN} shown (--csv prints all)" if len(rows) > _ROWS_SHOWN else ""
        output.show(f"({len(rows):,} row{'' if len(rows) == 1 else 's'}{more})")
    else:
        output.show(message)
    output.result(
        {"columns": columns, "rows": [dict(zip(columns, row, strict=True)) for row in rows], "message": message}
    )


@app.command("render", epilog=RENDER_EXAMPLES)
def render(
    table_name: Annotated[
        str | None, typer.Option("--table", help="Only of this hub, link, satellite or source.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only about the rows of this source.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only these statements.")] = None,
    model: ModelOption = None,
    json: JsonOption = False,
) -> None:
    """Print the SQL rendered from the model: tables, staging, loads and checks, each after a comment naming it.

    Staging is that of an object with id 1; %(name)s are parameters. With --json: `statements`, a list of
    `{kind, name, table, sources, text}`.
    """
    from functions.model.render.statements import chosen, statements

    output = Output(as_json=json)
    _, _, declared = read_model(model, output)
    rendered = list(statements(declared))
    known = {"--table": sorted({each.table.partition(".")[2] for each in rendered}), "--source": list(declared.sources)}
    for option, given in (("--table", table_name and table_name.rpartition(".")[2]), ("--source", source)):
        if given and given not in known[option]:
            raise UsageError(f"{option} {given}: the model has {', '.join(known[option])}")
    shown = chosen(rendered, kind.value if kind else None, table_name, source)
    if not json:
        sys.stdout.write("\n".join(f"-- {each.kind}: {each.name}\n{each.text}\n" for each in shown))
    output.result({"statements": [asdict(each) for each in shown]})


def read(connection: "psycopg.Connection", statement: str) -> tuple[list[str], list[tuple[Any, ...]], str]:
    """Run one statement that changes nothing; returns what `execute` returns. Raises QueryError.

    The role is what keeps a superuser's query from files and programs of the server, which a read-only transaction
    does not. A role that was set can be reset by who means to: this guards against accidents, not against the owner.
    """
    connection.read_only = True
    connection.execute(_LEAST_RIGHTS)  # also takes the snapshot, after which PostgreSQL lets nothing make it writable
    try:
        # Prepared, because PostgreSQL prepares one statement only: no commit can come first and end the transaction.
        return _outcome(connection, statement, prepare=True)
    except QueryError as error:
        advice = _REFUSALS.get(str(error.fields.get("sqlstate")))
        if _SEVERAL in error.message:
            advice = "`c360 sql` reads by one statement; --write runs several"
        raise QueryError(f"{error.message.strip()}. {advice}", **error.fields) if advice else error from error.__cause__


def execute(connection: "psycopg.Connection", statement: str) -> tuple[list[str], list[tuple[Any, ...]], str]:
    """Run statements; returns the last one's column names (made unique), rows and command tag.

    Raises QueryError with the server's own words.
    """
    return _outcome(connection, statement, prepare=False)


def _outcome(
    connection: "psycopg.Connection", statement: str, *, prepare: bool
) -> tuple[list[str], list[tuple[Any, ...]], str]:
    import psycopg

    try:
        with connection.cursor() as cursor:
            cursor.execute(statement.encode(), prepare=prepare)
            while cursor.nextset():
                pass
            names = [column.name for column in cursor.description or ()]
            rows = cursor.fetchall() if cursor.description else []
            return _unique(names), rows, cursor.statusmessage or ""
    except psycopg.Error as error:
        raise QueryError(f"{error}", sqlstate=error.sqlstate) from error


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblemError(f"cannot read {file}: {error}", file=str(file)) from error


def _psql(where: dict[str, str], *, write: bool) -> int:
    """An interactive psql on the same database; the password travels in the environment, not the process list.

    Unless `write`, its transactions only read, until somebody types `set transaction read write`.
    """
    program = shutil.which("psql")
    if program is None:
        raise UsageError("psql is not installed: install the PostgreSQL client, or give the query: c360 sql 'select …'")
    options = {} if write else {"PGOPTIONS": "-c default_transaction_read_only=on"}
    return subprocess.run([program], env=os.environ | where | options, check=False).returncode
