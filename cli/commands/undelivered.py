"""c360 undelivered: what AWS gave up delivering, to be delivered again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import CliError
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, table

if TYPE_CHECKING:
    from cli.deployment import Deployment

app = typer.Typer(
    no_args_is_help=True,
    help="Starts, ends and alerts of loads, copies of keys, batches of the clickstream: what AWS gave up delivering.",
)

REPLAY_EXAMPLES = examples("c360 undelivered replay           all that waits", "c360 undelivered replay ID…")
DROP_EXAMPLES = examples("c360 undelivered drop ID…")

Ids = Annotated[list[str], typer.Argument(help="As `c360 undelivered list` shows them.")]
SomeIds = Annotated[list[str] | None, typer.Argument(help="Only these.")]


@app.command("list")
def show(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """List what waits, each with its target and the reason; and how many dead letters do (`c360 events dead`)."""
    from cli.deployment import open_deployment
    from cli.undelivered import release, undelivered

    output = Output(as_json=json)
    deployment = open_deployment(target)
    waiting = undelivered(deployment)
    release(deployment, waiting)
    rows = [[each.id, each.kind.value, each.since, each.target.rpartition(":")[2], each.reason] for each in waiting]
    output.show(table(["id", "kind", "since", "target", "reason"], rows) if rows else "everything was delivered")
    dead = _dead_letters(deployment)
    if dead:
        output.show(f"{dead:,} messages of the clickstream are no events: `c360 events dead list`")
    output.result({"undelivered": [each.as_json() for each in waiting], "dead_letters": dead})


@app.command(epilog=REPLAY_EXAMPLES)
def replay(ids: SomeIds = None, target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Deliver again what waits, once its cause is gone; what fails again waits on.

    Whatever is replayed twice counts once: the load is started, the end recorded, the events stored before.
    """
    _each(ids, target, json, is_replay=True)


@app.command(epilog=DROP_EXAMPLES)
def drop(ids: Ids, target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Forget what need not be delivered any more."""
    _each(ids, target, json, is_replay=False)


def _each(ids: list[str] | None, target: Target, json: bool, *, is_replay: bool) -> None:
    from botocore.exceptions import ClientError

    from cli.deployment import open_deployment
    from cli.errors import translated
    from cli.undelivered import forget, release, replay, undelivered

    output = Output(as_json=json)
    deployment = open_deployment(target)
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for each in undelivered(deployment, ids):
        try:
            if is_replay:
                said = replay(deployment, each)
            else:
                forget(deployment, each)
                said = "dropped"
        except (CliError, ClientError) as error:
            release(deployment, [each])
            failed.append({"id": each.id, "kind": each.kind.value, "error": translated(error).message})
            output.show(f"{each.id}: {failed[-1]['error']}")
        else:
            done.append({"id": each.id, "kind": each.kind.value, "outcome": said})
            output.show(f"{each.id}: {said}")
    if not done and not failed:
        output.show("everything was delivered")
    output.result({"done": done, "failed": failed})
    if failed:
        problem = CliError(f"{len(failed)} of {len(done) + len(failed)} wait on: {failed[0]['error']}")
        problem.is_reported = True
        raise problem


def _dead_letters(deployment: "Deployment") -> int:
    if "DeadLettersFunctionName" not in deployment.stack_outputs:
        return 0
    waiting: int = deployment.invoke("DeadLettersFunctionName", {"action": "list", "limit": 1})["waiting"]
    return waiting
