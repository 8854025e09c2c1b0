"""The options of a deployment: their names, values, defaults and descriptions."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from infra.outputs import PREFIX


class Target(StrEnum):
    """Where the app is deployed: an AWS account, or LocalStack (embedded or container)."""

    AWS = "aws"
    LOCALSTACK = "localstack"


class DatabaseKind(StrEnum):
    """What serves PostgreSQL: a server that exists already, an RDS instance, or Aurora Serverless v2."""

    EXTERNAL = "external"
    RDS = "rds"
    AURORA = "aurora"


class StreamKind(StrEnum):
    """What carries the clickstream: nothing, a Kafka that exists already, MSK with brokers of ours, or serverless."""

    DISABLED = "disabled"
    EXTERNAL = "external"
    PROVISIONED = "provisioned"
    SERVERLESS = "serverless"


class AccessKind(StrEnum):
    """How people reach the database on AWS: not at all, through a host of the network, or by the RDS Data API."""

    NONE = "none"
    TUNNEL = "tunnel"
    DATA_API = "data-api"


class EngineKind(StrEnum):
    """What loads the raw vault: PostgreSQL itself, or Spark into Iceberg tables."""

    POSTGRESQL = "postgresql"
    SPARK = "spark"


class BundlePlatform(StrEnum):
    """For which machine dependencies are bundled: AWS Lambda's arm64, this one, or a Linux container on this one."""

    LAMBDA = "lambda"
    HOST = "host"
    CONTAINER = "container"


def _switch(value: object) -> object:
    return {"enabled": True, "disabled": False}.get(value, value) if isinstance(value, str) else value


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Scope = Literal["profile:read", "pii:read", "shares:manage"]
Switch = Annotated[bool, BeforeValidator(_switch)]
Hosts = Annotated[tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^\s/]+)$")], ...], BeforeValidator(_words)]
MOST_BYTES_OF_KEYS = 2_500
"""The API's environment holds 4 KB in all (Lambda quotas)."""
Zones = Annotated[tuple[str, ...], BeforeValidator(_words)]
Subnets = Annotated[tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...], BeforeValidator(_words)]

DEFAULTS_BY_TARGET: dict[Target, dict[str, object]] = {
    Target.AWS: {
        "database": DatabaseKind.RDS,
        "database_secret": "",
        "database_ssl_mode": "verify-full",
        "stream": StreamKind.DISABLED,
        "api_key": True,
        "api_open_scopes": ("profile:read",),
        "cors_origins": (),
        "lake": True,
        "staging_concurrency": 8,
        "bundle_platform": BundlePlatform.LAMBDA,
    },
    Target.LOCALSTACK: {
        "database": DatabaseKind.EXTERNAL,
        "database_secret": "c360/database/admin",
        "database_ssl_mode": "disable",
        "stream": StreamKind.EXTERNAL,
        "api_key": False,
        "api_open_scopes": ("profile:read", "pii:read"),
        "cors_origins": ("*",),
        "lake": False,
        "staging_concurrency": 2,
        "bundle_platform": BundlePlatform.HOST,
    },
}
"""Of the options whose default is not the same everywhere."""


class Options(BaseModel):
    """Every option of a deployment. Field names are the context keys; docs/configuration.md is made from this class."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    target: Target
    """Where the app is deployed."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,40}$")] = PREFIX
    """What the names of the stacks start with: a letter, then letters, digits and hyphens."""
    stage: Annotated[str, Field(pattern=r"^([a-z][a-z0-9]{0,15})?$")] = ""
    """`dev`, `prod`, …: a part of the prefix, for several deployments side by side in one account. Names, metrics,
    alarms and tags are apart; `keep_data` says whether its data outlive it."""
    localstack_managed: Switch = False
    """Have a licensed LocalStack serve PostgreSQL and Kafka, as RDS and MSK, in place of the compose file's servers
    ([LocalStack](localstack.md#with-a-licence))."""
    keep_data: Switch = True
    """On AWS, keep the database with its network, and the buckets, when the stacks are destroyed; disabled, for a stage
    to try things in, they are deleted with all that they hold."""
    zones: Zones = ()
    """Two availability zones by id, as `euc1-az1,euc1-az2`; none: the account's first two. For the first deploy: the
    network cannot move later. MSK refuses `use1-az3`, so a clickstream in us-east-1 needs them."""
    vpc: Annotated[str, Field(pattern=r"^(vpc-[0-9a-f]{8,17})?$")] = ""
    """A VPC that exists, by id, with `vpc_subnets`; none: an isolated one is made. It must reach S3, and what else the
    options need ([deploying](deploy-aws.md#into-a-network-and-a-database-that-exist)). For the first deploy."""
    vpc_subnets: Subnets = ()
    """Two of its subnets, in two zones, for functions, database and brokers."""
    customer_key: Switch = False
    """Encrypt the buckets and the database with a key of the deployment's own in KMS, for a dollar a month. For the
    first deploy: a database's key cannot change."""

    database: DatabaseKind
    """Who serves PostgreSQL: an RDS instance, Aurora Serverless v2, or a server that exists, which is the default
    where `database_secret` is given."""
    database_host: str = ""
    """The server that exists as the functions reach it; none, on AWS: the `host` in its secret."""
    database_port: Annotated[int, Field(ge=1, le=65535)] = 5432
    """Its port."""
    database_name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "c360"
    """The database's name: lower-case letters, digits and underscores."""
    database_secret: str
    """The name or ARN of the secret with its administrator, `username` and `password`. The administrator needs no more
    than CREATEROLE and the database."""
    database_security_group: Annotated[str, Field(pattern=r"^(sg-[0-9a-f]{8,17})?$")] = ""
    """Its security group, which lets the functions in; none: let the output `DatabaseClientsSecurityGroupId` in
    yourself."""
    database_ssl_mode: Literal["disable", "require", "verify-ca", "verify-full"]
    """How its TLS is checked, as libpq names it. What we make is always verified in full."""
    database_ssl_root_cert: str = ""
    """The file of the authority that signed its certificate, as the functions see it; none, on AWS: RDS's."""
    database_proxy: Switch = False
    """Put RDS Proxy between the API and an RDS instance, for many short-lived callers ([cost](cost.md))."""
    database_access: AccessKind = AccessKind.NONE
    """How people reach RDS or Aurora: `tunnel`, a small host for port forwarding by SSM; `data-api`, Aurora's Data API
    ([deploying](deploy-aws.md#people-and-the-database))."""
    database_logs: Switch = False
    """Send the server's log to CloudWatch Logs, which is paid by the GB; RDS and Aurora only."""

    schedule: Switch = True
    """Start the load each night at 00:00 UTC."""
    on_arrival: Switch = False
    """Start a load with each file that is dropped."""
    lake: Switch
    """Export the marts as Parquet after each load ([runbook](runbook.md#the-lake))."""
    audit_bucket: Switch = False
    """Copy the audit trail to a bucket whose objects nobody can delete ([security](security.md))."""
    engine: EngineKind = EngineKind.POSTGRESQL
    """What loads the raw vault: PostgreSQL, or Spark into Iceberg tables, whose rows PostgreSQL serves
    ([planning](spark-planning.md)). A vault that one of them has begun stays with it."""
    engine_vcpus: Annotated[int, Field(ge=8, le=4_000)] = 16
    """vCPUs that Spark may use at once on AWS, 4 for its driver and 4 for each executor. A job that asks for more than
    the account's quota fails; a new account has 16 ([deploying](deploy-aws.md#spark-as-the-engine-of-the-vault))."""
    split_mib: Annotated[int, Field(ge=1, le=10_240)] = 64
    """Files of more MiB than this are staged in parts of this size."""
    staging_concurrency: Annotated[int, Field(ge=1, le=40)]
    """Files, or parts, that are staged at once: more needs a larger database, and a quota of concurrent executions
    that leaves the API some."""
    alert_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    """Who gets alerts by e-mail; AWS asks the address to confirm."""
    encrypt_alerts: Switch = False
    """Encrypt the topic of the alerts with a key of its own, for a dollar a month."""

    api_key: Switch
    """Ask callers of the API for a key, with a rate, a burst and a quota. On AWS this or `jwt_issuer` must be."""
    api_open_scopes: Annotated[tuple[Scope, ...], Field(min_length=1), BeforeValidator(_words)]
    """What callers without tokens may see: `profile:read,pii:read` shows persons to every holder of a key. With
    `jwt_issuer` the tokens say it."""
    cors_origins: Hosts
    """Web origins whose pages may call the API, with commas between them; `*`: any; none: none but its own."""
    api_rate: Annotated[float, Field(gt=0, le=10_000)] = 50
    """Requests a second, of the whole API and of one key."""
    api_burst: Annotated[int, Field(gt=0, le=5_000)] = 100
    """Requests that may come at once."""
    api_quota: Annotated[int, Field(gt=0)] = 1_000_000
    """Requests a month of one key."""
    jwt_issuer: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
    """Whose tokens the API asks for; none: no tokens ([security](security.md#whose-tokens-count))."""
    jwt_audience: str = ""
    """For which audience tokens must be; required with `jwt_issuer`."""
    jwt_scope_prefix: str = ""
    """What stands before each scope in the issuer's tokens."""
    jwt_jwks_url: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
    """Where the issuer publishes its keys, copied every five minutes; none: `<issuer>/.well-known/jwks.json`."""
    jwt_jwks: str = ""
    """A JSON Web Key Set instead, of an issuer who publishes none: new keys then need a deploy."""
    domain_name: Annotated[str, Field(pattern=r"^([a-z0-9-]+\.)*[a-z0-9-]*$")] = ""
    """The API's own name, as `api.example.com`, with `certificate_arn`; the address that AWS gives is closed then."""
    certificate_arn: Annotated[str, Field(pattern=r"^(arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/\S+)?$")] = ""
    """The certificate of that name, in ACM, in the region of the deployment."""
    hosted_zone_id: Annotated[str, Field(pattern=r"^(Z[A-Z0-9]+)?$")] = ""
    """The zone of Route 53 that gets the name; none: point it at the output `ApiDomainTarget` yourself."""
    waf: Switch = False
    """Put a web ACL before the API: AWS's common rules and bad inputs, and a rate by address ([cost](cost.md))."""
    endpoint_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] = "http://127.0.0.1:4566"
    """Where callers reach LocalStack, for the printed URL of the API."""

    stream: StreamKind
    """Who carries the clickstream: MSK with brokers or serverless on AWS, a broker that exists on LocalStack."""
    stream_bootstrap_servers: Annotated[str, Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")] = "127.0.0.1:9092"
    """The external broker's addresses, `host:port`, with commas between them."""
    stream_topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")] = "clickstream_events"
    """The topic of the events."""
    stream_partitions: Annotated[int, Field(ge=1, le=100)] = 4
    """Partitions of the topic; a later deployment adds some, none is taken away."""
    stream_batch_size: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Messages that the stream function gets at once at most."""
    stream_window_seconds: Annotated[int, Field(ge=0, le=300)] = 0
    """For how many seconds a batch is gathered; 0: what is there is handed over at once."""
    stream_pollers: Annotated[int, Field(ge=0, le=200)] = 0
    """Provisioned pollers of the event source; 0: on-demand mode ([stream](stream.md#on-aws))."""

    quicksight_principal: Annotated[
        str, Field(pattern=r"^(arn:aws[a-z-]*:quicksight:[a-z0-9-]+:\d{12}:(user|group)/\S+)?$")
    ] = ""
    """The ARN of the QuickSight user or group who gets the dashboard there ([BI](bi.md#quicksight))."""

    bundle_platform: BundlePlatform
    """For which machine the functions' packages are bundled: AWS Lambda, this one, or a Linux container on this one."""
    reserved_concurrency: Switch = False
    """On AWS, reserve each function's share of the concurrent executions, so that neither other applications of the
    account nor the load take the API's. Lambda keeps 100 for all others: the account's quota must be that much higher
    ([deploying](deploy-aws.md#before)). Without, PostgreSQL's limits by role protect the connections alone."""
    budget: Annotated[float, Field(gt=0)] | None = None
    """US dollars a month: the synthesis fails when its idle estimate is higher ([cost](cost.md)); with `alert_email`,
    AWS Budgets warns of a higher bill."""

    @property
    def on_aws(self) -> bool:
        """True where the genuine AWS services are, false on LocalStack."""
        return self.target is Target.AWS

    @property
    def keeps_data(self) -> bool:
        """Whether data outlive their stacks."""
        return self.on_aws and self.keep_data

    @property
    def bi_has_a_password(self) -> bool:
        """Whether c360_bi signs in by a password, for what knows no IAM tokens: QuickSight, and the Data API."""
        return bool(self.quicksight_principal) or self.database_access is AccessKind.DATA_API

    @property
    def keys_published_at(self) -> str:
        """Where the issuer publishes its keys."""
        return self.jwt_jwks_url or f"{self.jwt_issuer.rstrip('/')}/.well-known/jwks.json"
