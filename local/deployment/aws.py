"""What is asked of LocalStack by AWS API: clients, the database's secret, stacks and what is in them."""

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import yaml
from botocore.config import Config

from local.deployment.access_key import SHARED, AccessKey
from local.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

REGION = "us-east-1"
ACCOUNT = "000000000000"
ADMIN_SECRET = "c360/database/admin"  # noqa: S105 (its name)


def check_created(cloudformation: "CloudFormationClient", stacks: list[str]) -> None:
    """Raise `LocalError` naming every resource that failed, or that LocalStack only pretended to create.

    To the latter it gives the physical id `unknown`, and says `fallback` in the event, in a stack that it calls
    complete.
    """
    faked: dict[tuple[str, str], str] = {}
    for stack in stacks:
        present: set[str] = set()
        for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
            if resource["ResourceStatus"] == "DELETE_COMPLETE":
                continue
            present.add(resource["LogicalResourceId"])
            if resource["ResourceStatus"].endswith("_FAILED"):
                reason = resource.get("ResourceStatusReason", "no reason given")
                raise LocalError(f"{stack}/{resource['LogicalResourceId']} failed: {reason}")
            if resource.get("PhysicalResourceId", "unknown") in {"", "unknown"}:
                faked[stack, resource["LogicalResourceId"]] = resource["ResourceType"]
        for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
            for event in page["StackEvents"]:
                if "fallback" in event.get("ResourceStatusReason", "") and event["LogicalResourceId"] in present:
                    faked[stack, event["LogicalResourceId"]] = event["ResourceType"]
    if faked:
        names = ", ".join(f"{stack}/{name} ({kind})" for (stack, name), kind in sorted(faked.items()))
        raise LocalError(
            f"LocalStack only pretended to create {names}; leave it out with target=localstack, or use another type."
        )


def delete_changed_apis(cloudformation: "CloudFormationClient", templates: dict[str, dict[str, Any]]) -> None:
    """Delete each stack whose API Gateway is not as in its template of `templates`, to be deployed again.

    LocalStack does not update one: it ignores most changes, serves none, and deletes the stage with what was deployed
    to it before; then it calls the stack complete.
    """
    for stack, template in templates.items():
        try:
            deployed = cloudformation.get_template(StackName=stack)["TemplateBody"]
        except cloudformation.exceptions.ClientError:  # not there yet
            continue
        if _api_gateway(deployed) not in ({}, _api_gateway(template)):
            cloudformation.delete_stack(StackName=stack)
            cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def _api_gateway(template: Any) -> dict[str, Any]:
    if isinstance(template, str):  # the CDK deploys small templates as YAML
        template = yaml.safe_load(template)
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"].startswith("AWS::ApiGateway::")
    }


def put_admin_secret(endpoint: str, username: str, password: str, key: AccessKey = SHARED) -> None:
    """Create or refresh the Secrets Manager secret that the deployment finds the database's administrator in."""
    secrets = client("secretsmanager", endpoint, key)
    value = json.dumps({"username": username, "password": password})
    try:
        secrets.create_secret(Name=ADMIN_SECRET, SecretString=value)
    except secrets.exceptions.ResourceExistsException:
        secrets.put_secret_value(SecretId=ADMIN_SECRET, SecretString=value)


def stack_exists(cloudformation: "CloudFormationClient", name: str) -> bool:
    """Whether a stack of this name is there and usable."""
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackName"] == name:
                return stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    return False


def session(region: str = REGION, key: AccessKey = SHARED) -> boto3.Session:
    """A session for LocalStack: signs with `key`, and is blind to the user's AWS profile and configuration."""
    core = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return boto3.Session(
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        region_name=region,
        botocore_session=core,
    )


_session = cache(session)


def client_config() -> Config:
    """Client settings for LocalStack: no proxy, no FIPS or dual-stack names, whatever the environment says."""
    return Config(
        proxies={},
        use_dualstack_endpoint=False,
        use_fips_endpoint=False,
        s3={"addressing_style": "path"},
        connect_timeout=5,
        retries={"total_max_attempts": 3, "mode": "standard"},
    )


def client(service: str, endpoint: str, key: AccessKey = SHARED) -> Any:  # which client, the caller annotates
    """A client of the LocalStack at `endpoint`."""
    return _session(REGION, key).client(service, endpoint_url=endpoint, config=client_config())  # type: ignore[call-overload]


def aws_environment(endpoint: str, key: AccessKey = SHARED) -> dict[str, str]:
    """Environment variables with which any AWS tool talks to this LocalStack and to nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
