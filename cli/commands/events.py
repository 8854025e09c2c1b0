"""c360 events: the clickstream's counters, and the messages that are not valid events."""

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DeploymentError
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output, table

if TYPE_CHECKING:
    from cli.deployment import Deployment

WATCH_EXAMPLES = examples("c360 events watch", "c360 events watch --duration 5 --json | jq .by_type")
LIST_EXAMPLES = examples("c360 events dead list", "c360 events dead list --replayed --json | jq .dead_letters")
REPLAY_EXAMPLES = examples("c360 events dead replay           all that wait", "c360 events dead replay 17 18")
_SHOWN = 60

app = typer.Typer(help="The clickstream's events.")
dead = typer.Typer(help="Dead letters: messages that were not valid events.")
app.add_typer(dead, name="dead")


@app.command("watch", epilog=WATCH_EXAMPLES)
def watch(
    duration: Annotated[float | None, typer.Option(min=0, help="Seconds to watch; by default until Ctrl-C.")] = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Show the API's live counters, and its delay for new events, until Ctrl-C."""
    from cli.deployment import open_deployment
    from cli.events.live_counters import display, feed_of

    output = Output(as_json=json)
    feed = feed_of(open_deployment(target).with_api_key())
    feed.look()
    with suppress(KeyboardInterrupt), display(output, feed):
        threading.Event().wait(duration)
    last = feed.look()
    output.show(table(["live counters", ""], last.rows()))
    output.result(last.as_json())


@dead.command("list", epilog=LIST_EXAMPLES)
def list_dead(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 20,
    replayed: Annotated[bool, typer.Option("--replayed", help="Also dead letters that were replayed since.")] = False,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """List messages that were not valid events: with their positions and every reason."""
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    page = _dead_letters(open_deployment(target), {"action": "list", "limit": limit, "replayed": replayed})
    rows = [
        [
            letter["dead_letter_id"],
            letter["received_at"],
            f"{letter['topic']}-{letter['partition']}@{letter['offset']}",
            "; ".join(letter["reasons"]),
            _beginning(letter),
        ]
        for letter in page["dead_letters"]
    ]
    output.show(table(["id", "received", "where", "reasons", "message"], rows) if rows else "no dead letters wait")
    if page["waiting"] > len(rows):
        output.show(f"{page['waiting']:,} wait in all")
    output.result(page)


@dead.command("replay", epilog=REPLAY_EXAMPLES)
def replay_dead(
    ids: Annotated[list[int] | None, typer.Argument(help="Only these.")] = None,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Try dead letters again, after the contract, or the clock, that refused them was corrected.

    What is an event by now is counted, once; the others wait on, with today's reasons.
    """
    from cli.deployment import open_deployment

    output = Output(as_json=json)
    done = _dead_letters(open_deployment(target), {"action": "replay", "ids": ids or None})
    output.show(
        f"{done['replayed']:,} replayed: {done['stored']:,} stored, {done['repeated']:,} known already; "
        f"{len(done['still_dead']):,} still dead"
    )
    for letter in done["still_dead"]:
        output.show(f"  {letter['dead_letter_id']}: {'; '.join(letter['reasons'])}")
    output.result(done)


def _beginning(letter: dict[str, Any]) -> str:
    text = letter["raw"] if letter.get("raw") is not None else f"base64 {letter.get('raw_base64', '(no value)')}"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _dead_letters(deployment: "Deployment", request: dict[str, Any]) -> dict[str, Any]:
    if "DeadLettersFunctionName" not in deployment.stack_outputs:
        raise DeploymentError("this deployment has no clickstream; deploy it with -c stream=provisioned or serverless")
    return deployment.invoke("DeadLettersFunctionName", request)
