"""c360 up, down, status: the platform on this machine, embedded or in the compose file's containers."""

from typing import TYPE_CHECKING

from rich.table import Table

from cli.errors import UsageError
from cli.options import (
    ApiKeyOption,
    ApiPort,
    JsonOption,
    KafkaPort,
    LakeOption,
    LocalstackPort,
    OnArrivalOption,
    PostgresPort,
    ScheduleOption,
    Target,
    TargetOption,
    examples,
)
from cli.output import Output, table

if TYPE_CHECKING:
    from local.compose import ComposeOptions, ComposeStack
    from local.stack import EmbeddedStack, Outputs, StackOptions

UP_EXAMPLES = examples(
    "c360 up",
    "c360 up --no-schedule --on-arrival     load when files arrive, not at night",
    "DATABASE_URL=postgresql://… c360 up    on a PostgreSQL server of yours",
)
_ADDRESSES = {
    "api_url": "API (through API Gateway)",
    "local_api_url": "API (local server)",
    "dashboard_url": "Dashboard",
    "aws_endpoint_url": "AWS endpoint (LocalStack)",
    "landing_bucket": "Landing bucket",
    "database_url": "PostgreSQL",
    "kafka_bootstrap_servers": "Kafka",
    "api_key": "API key (X-Api-Key)",
}


def up(
    localstack_port: LocalstackPort = 4566,
    postgres_port: PostgresPort = 5432,
    api_port: ApiPort = 8000,
    kafka_port: KafkaPort = 9092,
    schedule: ScheduleOption = True,
    on_arrival: OnArrivalOption = False,
    lake: LakeOption = False,
    api_key: ApiKeyOption = False,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Start the platform on this machine and deploy to it. Again: heals what is not running, keeps the data.

    A port that is taken is replaced by the next free one; those of the containers are the compose file's.
    """
    from local.stack import StackOptions

    _on_this_machine_only(target, "up")
    output = Output(as_json=json)
    if target is Target.LOCALSTACK:
        if lake:
            raise UsageError("--lake is for the embedded platform: the container takes no function of that size")
        outputs = _containers_up(output, schedule=schedule, on_arrival=on_arrival)
        output.show(addresses(outputs))
        output.result(outputs.model_dump(mode="json"))
        return
    outputs = bring_up(
        output,
        StackOptions(
            localstack_port=localstack_port,
            postgres_port=postgres_port,
            api_port=api_port,
            kafka_port=kafka_port,
            schedule_enabled=schedule,
            on_arrival=on_arrival,
            lake=lake,
            api_key=api_key,
        ),
    )
    output.show(addresses(outputs))
    output.result(outputs.model_dump(mode="json"))


def down(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Stop the platform on this machine. The data stays for the next `c360 up`."""
    _on_this_machine_only(target, "down")
    output = Output(as_json=json)
    stack = _containers() if target is Target.LOCALSTACK else _stack()
    with output.working("stopping") as report:
        stack.down(report)
    output.show("the platform is stopped; its data is kept")
    output.result({"status": "stopped"})


def status(target: TargetOption = Target.EMBEDDED, json: JsonOption = False) -> None:
    """Tell what is running on this machine, looked at now."""
    _on_this_machine_only(target, "status")
    output = Output(as_json=json)
    stack = _containers() if target is Target.LOCALSTACK else _stack()
    told = stack.status().model_dump(mode="json")
    parts = {name: part for name, part in told.items() if isinstance(part, dict)}
    columns = ["state", "pid", "port", "detail"]
    output.show(
        table(
            ["part", *columns],
            [
                [name, part.get("state"), *(_plain(part.get(column)) for column in columns[1:])]
                for name, part in parts.items()
            ],
        )
    )
    output.result(told)


def bring_up(output: Output, options: "StackOptions") -> "Outputs":
    """Start the embedded platform, or heal it, with progress."""
    with output.working("starting") as report:
        return _stack(options).up(report)


def addresses(outputs: "Outputs") -> Table:
    """Where to point a browser, a client, a tool."""
    known = outputs.model_dump(mode="json")
    rows = [[label, known[name]] for name, label in _ADDRESSES.items() if known.get(name)]
    if known.get("local_api_url"):
        rows.insert(2, ["Swagger", f"{known['local_api_url'].rstrip('/')}/docs"])
    return table(["where", "address"], rows)


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _stack(options: "StackOptions | None" = None) -> "EmbeddedStack":
    from local.paths import Paths
    from local.stack import EmbeddedStack, StackOptions

    return EmbeddedStack(Paths.default(), options or StackOptions())


def _containers(options: "ComposeOptions | None" = None) -> "ComposeStack":
    from local.compose import ComposeStack
    from local.paths import Paths

    return ComposeStack(Paths.default(), options)


def _containers_up(output: Output, *, schedule: bool, on_arrival: bool) -> "Outputs":
    from cli.deployment import open_deployment
    from local.compose import ComposeOptions

    with output.working("starting") as report:
        _containers(ComposeOptions(schedule_enabled=schedule, on_arrival=on_arrival)).up(report)
    return open_deployment(Target.LOCALSTACK).outputs


def _on_this_machine_only(target: Target, command: str) -> None:
    if target is Target.AWS:
        raise UsageError(
            f"c360 {command} is for this machine; for --target aws, deploy with `npx cdk deploy --all -c target=aws`"
        )
