"""c360 produce: synthetic visitors' sessions, sent to Kafka in real time."""

from typing import Annotated

import typer

from cli.errors import UsageError
from cli.events.clickstream import send, show
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Output

EXAMPLES = examples(
    "c360 produce                                   1,000 events at 100 a second",
    "c360 produce --rate 500 --duration 60",
    "c360 produce --count 10000 --malformed 0.01    one message in a hundred is not a valid event",
)
_DEFAULT_COUNT = 1000


def command(
    rate: Annotated[float, typer.Option(min=0.1, max=100_000, help="Events a second.")] = 100,
    count: Annotated[int | None, typer.Option(min=1, help="How many; 1000 without --duration.")] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="For how many seconds, instead of --count.")] = None,
    malformed: Annotated[float, typer.Option(min=0, max=1, help="Share of messages that are not valid events.")] = 0,
    seed: Annotated[int | None, typer.Option(help="The same visitors again, under new event ids.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until all are stored.")] = True,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Send page views, clicks and purchases of the warehouse's customers and products, in real time.

    Shows the counters moving in the API, and reports how long each event took to be acknowledged, stored and visible.
    """
    from cli.deployment import open_deployment

    if count is not None and duration is not None:
        raise UsageError("give --count or --duration, not both")
    total = count or (round(rate * duration) if duration else _DEFAULT_COUNT)
    output = Output(as_json=json)
    result = send(
        open_deployment(target), output, rate=rate, count=max(total, 1), malformed=malformed, seed=seed, wait=wait
    )
    show(output, result)
    output.result(result)
