"""A platform of its own for a measurement: started in a temporary folder on free ports, stopped at the end."""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.outputs import Outputs
from local import processes
from local.deployment import aws
from local.paths import Paths
from local.stack import EmbeddedStack, StackOptions

_EMPTY_HANDLER = "def handle(event, context):\n    return {'statusCode': 200, 'body': '{}'}\n"


@contextmanager
def running_platform() -> Iterator[tuple[Outputs, Path]]:
    """The outputs of a deployed, empty platform, and a folder for files."""
    with running_stack() as (_stack, outputs, folder):
        yield outputs, folder


@contextmanager
def running_stack() -> Iterator[tuple[EmbeddedStack, Outputs, Path]]:
    """The same, with the stack itself, for who wants to break and heal it."""
    with tempfile.TemporaryDirectory(prefix="c360-bench-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)  # PostgreSQL, which never runs as root, must enter
        options = StackOptions(
            localstack_port=processes.free_port(31000),
            postgres_port=processes.free_port(32000),
            api_port=processes.free_port(33000),
            kafka_port=processes.free_port(24500),
            schedule_enabled=False,
            database_url=None,
        )
        stack = EmbeddedStack(Paths(folder / "state"), options)
        try:
            yield stack, stack.up(print), folder
        finally:
            stack.down(print)


def client(outputs: Outputs, service: str) -> Any:
    """A boto3 client of the platform's LocalStack."""
    return aws.client(service, outputs.aws_endpoint_url or "")


def empty_function_url(outputs: Outputs) -> str:
    """The address, behind an API Gateway of the same kind as ours, of a Lambda function that does nothing."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("empty.py", _EMPTY_HANDLER)
    functions, gateway, iam = client(outputs, "lambda"), client(outputs, "apigateway"), client(outputs, "iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = iam.create_role(RoleName="empty", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    function = functions.create_function(
        FunctionName="empty",
        Runtime="python3.13",
        Handler="empty.handle",
        Role=role,
        Code={"ZipFile": package.getvalue()},
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="empty")
    api = gateway.create_rest_api(name="empty")
    gateway.put_method(
        restApiId=api["id"], resourceId=api["rootResourceId"], httpMethod="GET", authorizationType="NONE"
    )
    gateway.put_integration(
        restApiId=api["id"],
        resourceId=api["rootResourceId"],
        httpMethod="GET",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{outputs.region}:lambda:path/2015-03-31/functions/{function}/invocations",
    )
    gateway.create_deployment(restApiId=api["id"], stageName="v1")
    return f"{outputs.aws_endpoint_url}/_aws/execute-api/{api['id']}/v1/"
