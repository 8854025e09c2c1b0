"""The deployment's options, parsed once from the CDK context (`-c key=value` or cdk.json). Nothing else reads it."""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from infra.errors import ConfigError
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

DEFAULTS_BY_TARGET: dict[Target, dict[str, object]] = {
    Target.AWS: {
        "database": DatabaseKind.RDS,
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


class DeploymentConfig(BaseModel):
    """Every option of a deployment. Field names are the context keys; docs/configuration.md is made from this class."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    target: Target
    """Where the app is deployed."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,40}$")] = PREFIX
    """What the names of the stacks start with: a letter, then letters, digits and hyphens."""
    stage: Annotated[str, Field(pattern=r"^([a-z][a-z0-9]{0,15})?$")] = ""
    """`dev`, `prod`, …: a part of the prefix, for several deployments side by side in one account. Names, metrics,
    alarms and tags are apart; `keep_data` says whether its data outlive it."""
    keep_data: Switch = True
    """On AWS, keep the database with its network, and the buckets, when the stacks are destroyed; disabled, for a stage
    to try things in, they are deleted with all that they hold."""
    zones: Zones = ()
    """Two availability zones by id, as `euc1-az1,euc1-az2`; none: the account's first two. For the first deploy: the
    network cannot move later. MSK refuses `use1-az3`, so a clickstream in us-east-1 needs them."""

    database: DatabaseKind
    """Who serves PostgreSQL: an RDS instance or Aurora Serverless v2 on AWS, a server that exists on LocalStack."""
    database_host: str = ""
    """The external server as the functions reach it; required with `database=external`."""
    database_port: Annotated[int, Field(ge=1, le=65535)] = 5432
    """The external server's port."""
    database_name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "c360"
    """The database's name: lower-case letters, digits and underscores."""
    database_admin_secret: Annotated[str, Field(min_length=1)] = "c360/database/admin"  # noqa: S105 (a name)
    """The secret with the external server's administrator, `username` and `password`."""
    database_ssl_mode: Literal["disable", "require", "verify-ca", "verify-full"] = "disable"
    """How the external server's TLS is checked, as libpq names it. RDS and Aurora are always verified in full."""
    database_ssl_root_cert: str = ""
    """The file of the authority that signed the external server's certificate, as the functions see it."""
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
    """For how many seconds a batch is gathered; 0: Lambda's default, half a second."""
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

    @model_validator(mode="after")
    def _fits_the_target(self) -> Self:
        external = self.database is DatabaseKind.EXTERNAL
        if external == self.on_aws:
            allowed = "external" if external != self.on_aws or not self.on_aws else "rds or aurora"
            raise ValueError(f"database={self.database} does not fit target={self.target}: use {allowed}")
        fitting = {StreamKind.PROVISIONED, StreamKind.SERVERLESS} if self.on_aws else {StreamKind.EXTERNAL}
        if self.stream not in {*fitting, StreamKind.DISABLED}:
            allowed = " or ".join(sorted({*fitting, StreamKind.DISABLED}))
            raise ValueError(f"stream={self.stream} does not fit target={self.target}: use {allowed}")
        if external and not self.database_host:
            raise ValueError("database_host is missing: the PostgreSQL server as the functions reach it")
        if self.quicksight_principal and not self.on_aws:
            raise ValueError(f"quicksight_principal does not fit target={self.target}: QuickSight is on AWS only")
        if self.audit_bucket and not self.keep_data:
            raise ValueError("audit_bucket and keep_data=disabled: nobody can delete that bucket, so keep_data")
        if names := [zone for zone in self.zones if not re.fullmatch(r"[a-z]{2,6}\d-az\d", zone)]:
            raise ValueError(f"zones={names[0]}: give ids, such as use1-az1: a name is another zone in each account")
        if self.zones and (not self.on_aws or len(set(self.zones)) != 2):
            raise ValueError(f"zones={','.join(self.zones)}: name two different zones, on target=aws only")
        if self.on_aws and not self.api_key and not self.jwt_issuer:
            raise ValueError(
                "api_key=disabled without jwt_issuer: everybody on the internet could call the API; leave the keys"
                " enabled, or name an issuer of tokens"
            )
        if self.jwt_issuer and not self.jwt_audience:
            raise ValueError("jwt_issuer needs jwt_audience: what the tokens' aud, or Cognito's client_id, must be")
        self._check_given_keys()
        return self

    def _check_given_keys(self) -> None:
        if not self.jwt_jwks:
            return
        if self.jwt_jwks_url:
            raise ValueError("jwt_jwks and jwt_jwks_url: name one of the two")
        if len(self.jwt_jwks.encode()) > MOST_BYTES_OF_KEYS:
            raise ValueError(
                f"jwt_jwks has {len(self.jwt_jwks.encode())} bytes, and {MOST_BYTES_OF_KEYS} are what Lambda's"
                " environment of 4 KB has room for: leave it out, and the keys are copied from where the issuer"
                " publishes them (jwt_jwks_url)"
            )
        try:
            keys = json.loads(self.jwt_jwks)["keys"]
        except (ValueError, TypeError, KeyError):
            keys = None
        if not isinstance(keys, list) or not keys:
            raise ValueError('jwt_jwks is no JSON Web Key Set: {"keys": [...]}')

    @property
    def keys_published_at(self) -> str:
        """Where the issuer publishes its keys."""
        return self.jwt_jwks_url or f"{self.jwt_issuer.rstrip('/')}/.well-known/jwks.json"

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Parse the CDK context; keys with ':', '/' or '@' are CDK's own and are skipped.

        Raises ConfigError, one line naming the first wrong key and what it may be.
        """
        options = {key: value for key, value in context.items() if not _is_cdk_key(key)}
        try:
            target = Target(options.get("target", ""))
        except ValueError:
            given = f"target={options['target']}" if "target" in options else "target is not set"
            raise ConfigError(f"{given}: pass -c target=aws or -c target=localstack") from None
        if stage := options.get("stage"):
            options["prefix"] = f"{options.get('prefix', PREFIX)}-{stage}"
        try:
            return cls.model_validate(DEFAULTS_BY_TARGET[target] | options)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from None


def _is_cdk_key(key: str) -> bool:
    return any(mark in key for mark in ":/@") or key in {"cli-telemetry", "acknowledged-issue-numbers"}


def _explain(error: ValidationError) -> str:
    problem = error.errors()[0]
    if not problem["loc"]:
        return problem["msg"].removeprefix("Value error, ")
    key = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"unknown context key {key!r}: known are {', '.join(sorted(DeploymentConfig.model_fields))}"
    annotation = DeploymentConfig.model_fields[key].annotation
    if annotation is bool:
        return f"{key}={problem['input']}: use enabled or disabled"
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return f"{key}={problem['input']}: use {' or '.join(annotation)}"
    return f"{key}={problem['input']}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
