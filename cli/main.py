"""The c360 command: every command of the platform, and one way for all of them to fail."""

import os
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from cli.commands import (
    audit,
    backfill,
    demo,
    down,
    drop,
    engine,
    env,
    events,
    explain_file,
    generate,
    lists,
    logs,
    marts,
    metabase,
    model,
    outputs,
    produce,
    quarantine,
    retract,
    run,
    runs,
    sql,
    status,
    superset,
    tunnel,
    undelivered,
    up,
)
from cli.errors import CliError, translated
from cli.output import Output, printable

_INTERRUPTED = 130

app = typer.Typer(
    name="c360",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="The Customer 360 data platform: start it, feed it, run the nightly load, look at the result.",
    epilog="A first tour: c360 demo\n\nYour own data: c360 up, c360 drop FILE…, c360 run --wait, c360 sql 'select …'",
)
_COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    ("demo", demo.command, demo.EXAMPLES),
    ("up", up.command, up.EXAMPLES),
    ("down", down.command, ""),
    ("status", status.command, ""),
    ("env", env.command, env.EXAMPLES),
    ("outputs", outputs.command, outputs.EXAMPLES),
    ("generate", generate.command, generate.EXAMPLES),
    ("drop", drop.command, drop.EXAMPLES),
    ("run", run.command, run.EXAMPLES),
    ("backfill", backfill.command, backfill.EXAMPLES),
    ("runs", runs.command, ""),
    ("explain-file", explain_file.command, explain_file.EXAMPLES),
    ("retract", retract.command, retract.EXAMPLES),
    ("produce", produce.command, produce.EXAMPLES),
    ("logs", logs.command, logs.EXAMPLES),
    ("tunnel", tunnel.command, tunnel.EXAMPLES),
)
for _name, _command, _examples in _COMMANDS:
    app.command(_name, epilog=_examples or None)(_command)
app.add_typer(marts.app)
app.add_typer(metabase.app)
app.add_typer(superset.app)
app.add_typer(engine.app)
app.add_typer(sql.app, name="sql")
app.add_typer(model.app, name="model")
app.add_typer(audit.app, name="audit")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(lists.app, name="lists")
app.add_typer(events.app, name="events")
app.add_typer(undelivered.app, name="undelivered")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"c360 {version('c360')}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[  # read by `main`, which also sees failures from before this point
        bool, typer.Option("--debug", envvar="C360_DEBUG", help="Show the traceback of a failure.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    del debug, version


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process: 0 on success, 130 on Ctrl-C, else non-zero with one line on stderr."""
    sys.exit(run_command(sys.argv[1:] if arguments is None else arguments))


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit status. With --json among the arguments a failure is a JSON object too."""
    output = Output(as_json="--json" in arguments)
    try:
        status = app(arguments or ["--help"], prog_name="c360", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except typer.Abort:
        status = _INTERRUPTED
    except TyperException as error:
        _explain(output, CliError(error.format_message()), code="usage")
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the one place where every failure becomes a line and a status
        return _fail(output, error)
    if status == _INTERRUPTED:
        _explain(output, CliError("interrupted"), code="interrupted")
    return status if isinstance(status, int) else 0


def _fail(output: Output, error: Exception) -> int:
    if "--debug" in sys.argv or os.environ.get("C360_DEBUG", "0") not in ("", "0"):
        traceback.print_exception(error)
    known = translated(error)
    _explain(output, known, code=known.code)
    return known.exit_status


def _explain(output: Output, error: CliError, *, code: str) -> None:
    line = " ".join(error.message.split())
    output.progress.print(printable(f"c360: {line}"), soft_wrap=True)
    if not error.is_reported:
        output.result({"error": {"code": code, "message": line, **error.fields}})
