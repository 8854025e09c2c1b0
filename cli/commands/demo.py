"""c360 demo: the whole platform in one go, with the proof that its figures are right."""

from typing import TYPE_CHECKING, Any

from cli import demo_figures as figures
from cli.errors import MismatchError
from cli.files.landing import place
from cli.local_platform import addresses, bring_up
from cli.options import (
    ApiPort,
    JsonOption,
    KafkaPort,
    LocalstackPort,
    OnArrivalOption,
    PostgresPort,
    ScheduleOption,
    Target,
    examples,
)
from cli.output import Output, table

if TYPE_CHECKING:
    from cli.deployment import Deployment

_LIVE_EVENTS = 1000
_LIVE_RATE = 500
EXAMPLES = examples("c360 demo", "c360 demo --json | jq .summary", "c360 down        stops what it leaves running")


def command(
    localstack_port: LocalstackPort = 4566,
    postgres_port: PostgresPort = 5432,
    api_port: ApiPort = 8000,
    kafka_port: KafkaPort = 9092,
    schedule: ScheduleOption = True,
    on_arrival: OnArrivalOption = False,
    json: JsonOption = False,
) -> None:
    """Start everything, generate and drop sample data, run the nightly load, and print the result.

    The revenue in the warehouse is compared with the sum over the CSV, to the cent. Leaves the platform running;
    a second time it loads nothing twice.
    """
    from cli.deployment import open_deployment
    from cli.files.upload import drop
    from cli.runs.executions import execution_input, start
    from cli.runs.run_report import wait_for
    from local.stack import StackOptions

    output = Output(as_json=json)
    outputs = bring_up(
        output,
        StackOptions(
            localstack_port=localstack_port,
            postgres_port=postgres_port,
            api_port=api_port,
            kafka_port=kafka_port,
            schedule_enabled=schedule,
            on_arrival=on_arrival,
        ),
    )
    deployment = open_deployment(Target.EMBEDDED)
    sample = figures.demo_sample(output)
    placed = place(sample.paths, day=figures.EFFECTIVE_DAY)
    dropped = drop(deployment.s3, outputs.landing_bucket, placed)
    for each in dropped:
        output.say(f"{each.status} {each.key}")
    arn = start(deployment.step_functions, outputs.state_machine_arn, execution_input([], outputs.landing_bucket))
    run = wait_for(deployment, arn, output)
    with deployment.database() as connection:
        summary = figures.summary(connection)
        others = figures.other_transaction_files(connection, [each.key for each in dropped])
    expected = figures.revenue_of_csv(sample.folder / "transactions.csv")
    served = figures.customers_served(outputs.api_url, outputs.api_key)
    _show(output, summary, run)
    result: dict[str, Any] = {
        "summary": summary | {"revenue_of_csv": expected, "customers_served_by_api": served},
        "run": run,
        "outputs": outputs.model_dump(mode="json"),
    }
    if others:
        output.say(f"{others} other transaction files are loaded too, so the revenue is not the sample's alone")
    else:
        _compare(summary, expected, served)
        output.show(f"\nrevenue in the warehouse equals the sum over the CSV to the cent: {expected:,}")
    result["clickstream"] = _live(deployment, output)
    output.show("")
    output.show(addresses(outputs))
    output.result(result)


def _live(deployment: "Deployment", output: Output) -> dict[str, Any]:
    """Visitors who are there now: the counters before, moving, and after, and how soon each event was seen."""
    from cli.events.clickstream import send, show
    from cli.events.live_counters import feed_of

    outputs = deployment.with_api_key()
    before = feed_of(outputs).look()
    output.say("sending live events to Kafka")
    sent = send(deployment, output, rate=_LIVE_RATE, count=_LIVE_EVENTS)
    after = feed_of(outputs).look()
    output.show("")
    show(output, sent)
    earlier = dict(before.rows())
    output.show("")
    output.show(
        table(["live counters", "before", "now"], [[name, earlier.get(name, 0), now] for name, now in after.rows()])
    )
    return sent | {"counters_before": before.as_json(), "counters": after.as_json()}


def _compare(summary: dict[str, Any], expected: object, served: int) -> None:
    for name in ("lifetime_revenue", "order_revenue"):
        if summary[name] != expected:
            raise MismatchError(
                f"{name} in the warehouse is {summary[name]}, but the CSV sums to {expected}: please report this",
                warehouse=str(summary[name]),
                csv=str(expected),
            )
    if served != summary["customers"]:
        raise MismatchError(f"the API serves {served} customers, the warehouse holds {summary['customers']}")


def _show(output: Output, summary: dict[str, Any], run: dict[str, Any]) -> None:
    new = any(file["status"] == "LOADED" for file in run["files"])
    load = f"{run['seconds']} s" if new else f"{run['seconds']} s: nothing new was loaded, all of it was there already"
    output.show("")
    output.show(
        table(
            ["Customer 360", ""],
            [
                ["orders", f"{summary['orders']:,}"],
                ["customers", f"{summary['customers']:,}"],
                ["lifetime revenue", f"{summary['lifetime_revenue']:,}"],
                ["average order value", f"{summary['average_order_value']:,}"],
                *([f"orders {status}", f"{n:,}"] for status, n in summary["orders_by_status"].items()),
                *([f"{segment} customers", f"{n:,}"] for segment, n in summary["customers_by_segment"].items()),
                ["load", load],
            ],
        )
    )
