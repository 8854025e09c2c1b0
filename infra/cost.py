"""What a deployment costs a month when nothing happens, so that nobody is surprised by a bill.

On-demand prices of us-east-1, in US dollars; other regions differ by some 20 %. What is paid by use (Lambda, Step
Functions, S3, API Gateway, logs) is not in it: at one small load a night it is cents.
"""

from dataclasses import dataclass

from infra.config import DatabaseKind, DeploymentConfig, StreamKind
from infra.errors import BudgetError

REGION = "us-east-1"


@dataclass(frozen=True)
class Item:
    """One line of the estimate; `dollars` a month."""

    what: str
    dollars: float


def estimate(deployment: DeploymentConfig) -> tuple[Item, ...]:
    """What the deployment's resources cost a month when idle; nothing on LocalStack."""
    if not deployment.on_aws:
        return ()
    database = {
        DatabaseKind.RDS: Item("RDS db.t4g.micro, one zone, 20 GB gp3", 14.00),
        DatabaseKind.AURORA: Item("Aurora Serverless v2, paused, 10 GB", 1.00),
    }[deployment.database]
    return (database, *_stream(deployment), *_quicksight(deployment))


def _stream(deployment: DeploymentConfig) -> tuple[Item, ...]:
    if deployment.stream is StreamKind.DISABLED:
        return ()
    cluster = {
        StreamKind.PROVISIONED: Item("MSK, two kafka.t3.small, 10 GB each", 68.60),
        StreamKind.SERVERLESS: Item(
            f"MSK Serverless, {deployment.stream_partitions} partitions", 547.50 + 1.10 * deployment.stream_partitions
        ),
    }[deployment.stream]
    if pollers := deployment.stream_pollers:
        return (cluster, Item(f"Provisioned pollers of the event source, {pollers}", 133.20 * pollers))
    return (cluster, Item("Lambda and STS interface endpoints, one zone, for the poller", 14.60))


def _quicksight(deployment: DeploymentConfig) -> tuple[Item, ...]:
    """Prices of November 2026: the endpoint, and the smallest subscription, of one author."""
    if not deployment.quicksight_principal:
        return ()
    return (
        Item("Secrets Manager interface endpoint, one zone, and a secret, for QuickSight", 7.70),
        Item("QuickSight, one author; readers come on top", 24.00),
    )


def total(items: tuple[Item, ...]) -> float:
    """Dollars a month."""
    return sum(item.dollars for item in items)


def report(items: tuple[Item, ...]) -> str:
    """The estimate as lines for people."""
    lines = [f"Idle cost a month, US dollars, {REGION}:"]
    lines += [f"  {item.dollars:7.2f}  {item.what}" for item in items]
    return "\n".join([*lines, f"  {total(items):7.2f}  in all; use (Lambda, S3, API calls, logs) comes on top"])


def check_budget(deployment: DeploymentConfig) -> None:
    """Raises BudgetError when the estimate is above `-c budget=`."""
    cost = total(estimate(deployment))
    if deployment.budget is not None and cost > deployment.budget:
        raise BudgetError(
            f"the deployment would cost ${cost:.2f} a month when idle ({REGION}), the budget is"
            f" ${deployment.budget:.2f}: raise -c budget=, or choose cheaper options (infra/cost.py has each price)"
        )
