"""The platform on this machine: embedded, or in the compose file's containers."""

from typing import TYPE_CHECKING

from rich.table import Table

from cli.errors import UsageError
from cli.options import Target
from cli.output import Output, table

if TYPE_CHECKING:
    from infra.outputs import Outputs
    from local.compose import ComposeOptions, ComposeStack
    from local.stack import EmbeddedStack, StackOptions

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


def bring_up(output: Output, options: "StackOptions") -> "Outputs":
    """Start the embedded platform, or heal it, with progress."""
    with output.working("starting") as report:
        return _embedded_stack(options).up(report)


def bring_containers_up(output: Output, *, schedule: bool, on_arrival: bool, managed: bool) -> "Outputs":
    """Start the compose file's containers, with progress, and deploy to them."""
    from cli.deployment import open_deployment
    from local.compose import ComposeOptions

    with output.working("starting") as report:
        options = ComposeOptions(schedule_enabled=schedule, on_arrival=on_arrival, managed=managed)
        _compose_stack(options).up(report)
    return open_deployment(Target.LOCALSTACK).outputs


def local_stack(target: Target) -> "EmbeddedStack | ComposeStack":
    """The stack of a target that is on this machine."""
    return _compose_stack() if target is Target.LOCALSTACK else _embedded_stack()


def addresses(outputs: "Outputs") -> Table:
    """A table of the addresses that people use."""
    known = outputs.model_dump(mode="json")
    rows = [[label, known[name]] for name, label in _ADDRESSES.items() if known.get(name)]
    if known.get("local_api_url"):
        rows.insert(2, ["Swagger", f"{known['local_api_url'].rstrip('/')}/docs"])
    return table(["where", "address"], rows)


def require_this_machine(target: Target, command: str) -> None:
    """Raise UsageError where `target` is not on this machine."""
    if target is Target.AWS:
        raise UsageError(
            f"c360 {command} is for this machine; for --target aws, deploy with `npx cdk deploy --all -c target=aws`"
        )


def _embedded_stack(options: "StackOptions | None" = None) -> "EmbeddedStack":
    from local.paths import Paths
    from local.stack import EmbeddedStack, StackOptions

    return EmbeddedStack(Paths.default(), options or StackOptions())


def _compose_stack(options: "ComposeOptions | None" = None) -> "ComposeStack":
    from local.compose import ComposeStack
    from local.paths import Paths

    return ComposeStack(Paths.default(), options)
