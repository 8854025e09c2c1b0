"""The deployment a command talks to: its outputs, and AWS clients that reach it and nothing else."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.errors import DeploymentError, FunctionFailedError
from cli.options import Target
from infra.outputs import (
    ACCESS,
    OPTIONAL_STACKS,
    PREFIX,
    STACKS,
    Outputs,
    api_key,
    outputs_of,
    stack_name,
    stack_outputs,
)
from local.deployment.access_key import SHARED, AccessKey
from local.deployment.aws import client_config, session
from local.errors import StackNotRunningError

if TYPE_CHECKING:
    import psycopg
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_CONTAINER_URL = "http://127.0.0.1:4566"
_FUNCTION_SECONDS = 15 * 60 + 5


class Deployment:
    """One deployment: `outputs`, the physical names behind them, and its clients, made when first used.

    `key` is what callers sign with for a local one's LocalStack.
    """

    def __init__(
        self, outputs: Outputs, session: boto3.Session, config: Config | None = None, key: AccessKey = SHARED
    ) -> None:
        self.outputs = outputs
        self.key = key
        self._session = session
        self._config = config

    @property
    def is_local(self) -> bool:
        """Whether this is LocalStack, so that the database can be reached and polling costs nothing."""
        return str(self.outputs.target) != Target.AWS

    @cached_property
    def s3(self) -> "S3Client":
        return self._session.client("s3", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)

    @cached_property
    def step_functions(self) -> "SFNClient":
        return self._session.client("stepfunctions", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self._session.client("logs", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)

    @cached_property
    def functions(self) -> "LambdaClient":
        """Waits as long as a function may run, and never invokes one a second time."""
        patient = Config(read_timeout=_FUNCTION_SECONDS, retries={"total_max_attempts": 1})
        return self._session.client(
            "lambda", endpoint_url=self.outputs.aws_endpoint_url, config=(self._config or Config()).merge(patient)
        )

    @cached_property
    def api_gateway(self) -> "APIGatewayClient":
        return self._session.client("apigateway", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)

    @cached_property
    def secrets(self) -> "SecretsManagerClient":
        return self._session.client("secretsmanager", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)

    @cached_property
    def rds(self) -> Any:
        """Signs tokens, and asks nobody for it."""
        return self._session.client("rds", config=self._config)

    @cached_property
    def queues(self) -> "SQSClient":
        return self._session.client("sqs", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)

    @cached_property
    def alerts(self) -> "SNSClient":
        return self._session.client("sns", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)

    def with_api_key(self) -> Outputs:
        """The outputs, and in them the key that the API asks for; None where it asks for none.

        `outputs` alone lacks the key of a deployment that is not the embedded one: it is a secret, and commands that
        need none neither read it nor ask for the permission to (apigateway:GET on /apikeys/*).
        """
        if self.outputs.target == Target.EMBEDDED:
            return self.outputs
        return self.outputs.model_copy(update={"api_key": api_key(self.api_gateway, self.stack_outputs)})

    def invoke(self, name_output: str, event: dict[str, object]) -> dict[str, Any]:
        """The answer of the function whose name is the CfnOutput `name_output`.

        Raises FunctionFailedError when the function raised.
        """
        name = self.stack_outputs[name_output]
        answer = self.functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise FunctionFailedError(
                payload.get("errorMessage") or "the function failed: see `c360 logs`",
                error_type=payload.get("errorType"),
            )
        return payload

    @cached_property
    def stack_outputs(self) -> dict[str, str]:
        """Every CfnOutput of the platform's stacks."""
        client = self._session.client("cloudformation", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)
        return _stack_outputs(client)

    @cached_property
    def access_outputs(self) -> dict[str, str]:
        """The CfnOutputs of the stack for people's access; empty where there is none."""
        client = self._session.client("cloudformation", endpoint_url=self.outputs.aws_endpoint_url, config=self._config)
        try:
            return stack_outputs(client, [stack_name(ACCESS, os.environ.get("C360_STACK_PREFIX") or PREFIX)])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            return {}

    @contextmanager
    def database(self) -> "Iterator[psycopg.Connection]":
        """A connection to the database; of an AWS deployment through a tunnel (cli/tunnel.py).

        Raises DeploymentError where it cannot be reached from here.
        """
        import psycopg

        from cli import tunnel
        from cli.errors import QueryError

        url = self.outputs.database_url
        if not url:
            tunnel.require_open()
        where: dict[str, Any] = {"conninfo": url} if url else tunnel.sign_in(self.stack_outputs, self.rds)
        try:
            connection = psycopg.connect(
                **where, connect_timeout=5, options="-c timezone=UTC", application_name="c360-cli"
            )
        except psycopg.OperationalError as error:
            raise QueryError(f"{error}. Is the platform up? See `c360 status`.") from error
        with connection:
            yield connection


def open_deployment(target: Target) -> Deployment:
    """The running deployment of `target`. Raises DeploymentError with what to do when there is none."""
    if target is Target.EMBEDDED:
        return _embedded()
    if target is Target.LOCALSTACK:
        url = os.environ.get("C360_LOCALSTACK_URL") or _CONTAINER_URL
        return _deployed(target, session(), url, client_config())
    return _deployed(target, boto3.Session(), None, None)


def _embedded() -> Deployment:
    from local.paths import Paths
    from local.stack import EmbeddedStack, StackOptions

    try:
        stack = EmbeddedStack(Paths.default(), StackOptions())
        return deployment_of(stack.outputs(), stack.access_key())
    except StackNotRunningError as error:
        raise DeploymentError(f"{error}") from error


def deployment_of(outputs: Outputs, key: AccessKey = SHARED) -> Deployment:
    """The deployment that a local stack's outputs describe, spoken to with `key`."""
    return Deployment(outputs, session(outputs.region, key), client_config(), key)


def _deployed(target: Target, session: boto3.Session, endpoint: str | None, config: Config | None) -> Deployment:
    client = session.client("cloudformation", endpoint_url=endpoint, config=config)
    local = target is Target.LOCALSTACK
    found = _stack_outputs(client)
    outputs = outputs_of(
        found,
        target=target.value,
        region=client.meta.region_name,
        endpoint=endpoint,
        database_url=_local_database_url(found, session, endpoint, config) if local else None,
    )
    return Deployment(outputs, session, config)


def _local_database_url(
    outputs: dict[str, str], session: boto3.Session, endpoint: str | None, config: Config | None
) -> str:
    """The administrator's URL of the compose file's PostgreSQL, or of LocalStack's own RDS."""
    from local.compose import database_url as compose_database_url

    if given := os.environ.get("DATABASE_URL"):
        return given
    if (secret := outputs.get("DatabaseAdminSecretArn")) is None:
        return compose_database_url()
    client: SecretsManagerClient = session.client("secretsmanager", endpoint_url=endpoint, config=config)
    admin = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    where = f"{outputs['DatabaseHost']}:{outputs['DatabasePort']}/{outputs['DatabaseName']}"
    return f"postgresql://{admin['username']}:{quote(admin['password'], safe='')}@{where}"


_NEVER_WHOLE = frozenset(
    {
        "CREATE_FAILED", "CREATE_IN_PROGRESS", "DELETE_FAILED", "DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS",
        "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "ROLLBACK_IN_PROGRESS",
    }
)  # fmt: skip
"""Statuses of a stack whose outputs are not there, or are of what is being taken away."""


def _stack_outputs(client: "CloudFormationClient") -> dict[str, str]:
    prefix = os.environ.get("C360_STACK_PREFIX") or PREFIX
    outputs: dict[str, str] = {}
    for name in (*STACKS, *OPTIONAL_STACKS):
        stack = stack_name(name, prefix)
        try:
            status = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            outputs |= stack_outputs(client, [stack])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            if name in OPTIONAL_STACKS:
                continue
            where = client.meta.endpoint_url
            raise DeploymentError(
                f"there is no stack {stack} at {where}: deploy it with `npx cdk deploy --all` (README), or set "
                "C360_STACK_PREFIX to the prefix it was deployed with",
                stack=stack,
            ) from error
        if name in STACKS and status in _NEVER_WHOLE:
            raise DeploymentError(
                f"the stack {stack} is {status}, so it was never deployed whole: docs/runbook.md, section A stack is"
                " stuck, has the ways out",
                stack=stack,
                status=status,
            )
    return outputs
