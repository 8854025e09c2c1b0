"""What a deployment costs a month when nothing happens, so that nobody is surprised by a bill.

What is paid by use (Lambda, Step Functions, S3, API Gateway, logs) is not in it: at one small load a night it is cents.
"""

from dataclasses import dataclass

from infra.config import DeploymentConfig
from infra.errors import BudgetError
from infra.options import AccessKind, DatabaseKind, StreamKind

REGION = "us-east-1"
AS_OF = "November 2026"
HOURS = 730
"""In an average month, as AWS's own calculator counts."""


SERVICE_ROLES, WEB_ACL_RULES = 5, 3


@dataclass(frozen=True)
class Price:
    """On demand, in US dollars: `dollars` an hour where `hourly`, else a month."""

    what: str
    dollars: float
    hourly: bool = False

    @property
    def a_month(self) -> float:
        return self.dollars * HOURS if self.hourly else self.dollars


PRICES = {
    "rds": Price("RDS for PostgreSQL, db.t4g.micro, one zone", 0.016, hourly=True),
    "rds_storage": Price("RDS storage, gp3, one zone, a GB", 0.115),
    "aurora_storage": Price("Aurora storage, a GB", 0.10),
    "broker": Price("MSK broker, kafka.t3.small", 0.0456, hourly=True),
    "broker_storage": Price("MSK storage, a GB", 0.10),
    "serverless_cluster": Price("MSK Serverless, a cluster", 0.75, hourly=True),
    "serverless_partition": Price("MSK Serverless, a partition", 0.0015, hourly=True),
    "proxy": Price("RDS Proxy, a vCPU of the instance, two at least", 0.015, hourly=True),
    "host": Price("EC2 t4g.nano", 0.0042, hourly=True),
    "host_storage": Price("EBS storage, gp3, a GB", 0.08),
    "web_acl": Price("Web ACL of WAF", 5.00),
    "web_acl_rule": Price("Rule, or group of rules, of a web ACL", 1.00),
    "poller": Price("Provisioned poller of an event source (event poller unit)", 0.185, hourly=True),
    "endpoint": Price("Interface endpoint, one zone", 0.01, hourly=True),
    "key": Price("Key of KMS", 1.00),
    "secret": Price("Secret of Secrets Manager", 0.40),
    "quicksight_author": Price("QuickSight author, Enterprise edition", 24.00),
}
"""AWS's price lists of `REGION`, `AS_OF`; other regions differ by some 20 %."""


@dataclass(frozen=True)
class Item:
    """One line of the estimate: so many of each price."""

    what: str
    of: tuple[tuple[float, str], ...]

    @property
    def dollars(self) -> float:
        """US dollars a month."""
        return sum(count * PRICES[price].a_month for count, price in self.of)


def estimate(deployment: DeploymentConfig) -> tuple[Item, ...]:
    """What the deployment's resources cost a month when idle; nothing on LocalStack."""
    if not deployment.on_aws:
        return ()
    return (
        *_database(deployment),
        *_keys(deployment),
        *_stream(deployment),
        *_secrets(deployment),
        *_access(deployment),
        *_api(deployment),
    )


def _database(deployment: DeploymentConfig) -> tuple[Item, ...]:
    match deployment.database:
        case DatabaseKind.RDS:
            return (Item("RDS db.t4g.micro, one zone, 20 GB gp3", ((1, "rds"), (20, "rds_storage"))),)
        case DatabaseKind.AURORA:
            return (Item("Aurora Serverless v2, paused, 10 GB", ((10, "aurora_storage"),)),)
        case DatabaseKind.EXTERNAL:
            return (Item(f"Secrets of the database's roles, {SERVICE_ROLES}", ((SERVICE_ROLES, "secret"),)),)


def _keys(deployment: DeploymentConfig) -> tuple[Item, ...]:
    return tuple(
        Item(what, ((1, "key"),))
        for what, is_there in (
            ("KMS key of buckets and database", deployment.customer_key),
            ("KMS key of the alerts", deployment.encrypt_alerts),
        )
        if is_there
    )


def _endpoints(deployment: DeploymentConfig, count: int) -> tuple[tuple[float, str], ...]:
    """A VPC that exists has its own, or does without."""
    return () if deployment.vpc else ((count, "endpoint"),)


def _stream(deployment: DeploymentConfig) -> tuple[Item, ...]:
    if deployment.stream is StreamKind.DISABLED:
        return ()
    partitions = deployment.stream_partitions
    cluster = {
        StreamKind.PROVISIONED: Item("MSK, two kafka.t3.small, 10 GB each", ((2, "broker"), (20, "broker_storage"))),
        StreamKind.SERVERLESS: Item(
            f"MSK Serverless, {partitions} partitions",
            ((1, "serverless_cluster"), (partitions, "serverless_partition")),
        ),
    }[deployment.stream]
    if pollers := deployment.stream_pollers:
        return (cluster, Item(f"Provisioned pollers of the event source, {pollers}", ((pollers, "poller"),)))
    endpoints = _endpoints(deployment, 2)
    for_poller = Item("Lambda and STS interface endpoints, one zone, for the poller", endpoints)
    return (cluster, for_poller) if endpoints else (cluster,)


def _secrets(deployment: DeploymentConfig) -> tuple[Item, ...]:
    """For who knows no IAM tokens: a password, the migrator's way to it, and QuickSight's smallest subscription."""
    items: list[Item] = []
    if deployment.bi_has_a_password:
        who = "QuickSight" if deployment.quicksight_principal else "the Data API"
        what = "A secret" if deployment.vpc else "Secrets Manager interface endpoint, one zone, and a secret"
        items.append(Item(f"{what}, for {who}", (*_endpoints(deployment, 1), (1, "secret"))))
    if deployment.quicksight_principal:
        items.append(Item("QuickSight, one author; readers come on top", ((1, "quicksight_author"),)))
    return tuple(items)


def _access(deployment: DeploymentConfig) -> tuple[Item, ...]:
    if deployment.database_access is not AccessKind.TUNNEL:
        return ()
    host = Item("EC2 t4g.nano with 8 GB, for people's tunnels", ((1, "host"), (8, "host_storage")))
    endpoints = _endpoints(deployment, 2)
    return (host, Item("SSM interface endpoints, one zone, for the tunnels", endpoints)) if endpoints else (host,)


def _api(deployment: DeploymentConfig) -> tuple[Item, ...]:
    proxy = Item("RDS Proxy, two vCPUs", ((2, "proxy"),))
    acl = Item(f"Web ACL, {WEB_ACL_RULES} rules", ((1, "web_acl"), (WEB_ACL_RULES, "web_acl_rule")))
    return (*((proxy,) if deployment.database_proxy else ()), *((acl,) if deployment.waf else ()))


def total(items: tuple[Item, ...]) -> float:
    """Dollars a month."""
    return sum(item.dollars for item in items)


def report(items: tuple[Item, ...]) -> str:
    """The estimate as lines for people."""
    lines = [f"Idle cost a month, US dollars, {REGION}, prices of {AS_OF}:"]
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
