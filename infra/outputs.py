"""What a deployment is to those who use it: its stacks' names, their outputs, and the addresses made of these.

Free of the CDK, so that the command line starts fast.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, computed_field

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudformation import CloudFormationClient

PREFIX = "C360"
DATA, PIPELINE, API, STREAM, QUICKSIGHT = "Data", "Pipeline", "Api", "Stream", "QuickSight"
OPERATIONS = "Operations"
ACCESS = "Access"
FORWARDING = "AWS-StartPortForwardingSessionToRemoteHost"
"""AWS's own document of SSM for tunnels; with it nobody gets a shell."""
STACKS = (DATA, PIPELINE, API)
OPTIONAL_STACKS = (STREAM,)


class Outputs(BaseModel):
    """Addresses and names of a deployment; what `c360 outputs --json` prints. None: not there on this target."""

    model_config = ConfigDict(frozen=True)

    target: str
    region: str
    aws_endpoint_url: str | None
    landing_bucket: str
    state_machine_arn: str
    api_url: str
    api_key: str | None
    local_api_url: str | None
    database_url: str | None
    kafka_bootstrap_servers: str | None
    kafka_topic: str | None
    alert_topic_arn: str | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def dashboard_url(self) -> str:
        """The built-in dashboard; through API Gateway where there is no local server."""
        return f"{(self.local_api_url or self.api_url).rstrip('/')}/dashboard"


def stack_name(name: str, prefix: str = PREFIX) -> str:
    """The CloudFormation name of one of STACKS or OPTIONAL_STACKS."""
    return f"{prefix}-{name}"


def stack_outputs(cloudformation: "CloudFormationClient", stacks: Iterable[str]) -> dict[str, str]:
    """Every CfnOutput of `stacks` by name. Raises botocore's ClientError when a stack is not there."""
    return {
        output["OutputKey"]: output["OutputValue"]
        for name in stacks
        for stack in cloudformation.describe_stacks(StackName=name)["Stacks"]
        for output in stack.get("Outputs", [])
    }


def api_key(api_gateway: "APIGatewayClient", stack_outputs: Mapping[str, str]) -> str | None:
    """The value of the API's key; None where the deployment made none. Asks for apigateway:GET on /apikeys/*."""
    if "ApiKeyId" not in stack_outputs:
        return None
    return api_gateway.get_api_key(apiKey=stack_outputs["ApiKeyId"], includeValue=True)["value"]


def outputs_of(
    stack_outputs: Mapping[str, str],
    *,
    target: str,
    region: str,
    endpoint: str | None = None,
    database_url: str | None = None,
    api_key: str | None = None,
    local_api_url: str | None = None,
) -> Outputs:
    """The addresses of a deployment with these CfnOutputs; `endpoint` is LocalStack's, None on AWS."""
    api_url = stack_outputs.get("ApiUrl", "")
    if endpoint and "RestApiId" in stack_outputs:
        stage = stack_outputs.get("ApiStage", "v1")
        api_url = f"{endpoint}/_aws/execute-api/{stack_outputs['RestApiId']}/{stage}"
    return Outputs(
        target=target,
        region=region,
        aws_endpoint_url=endpoint,
        landing_bucket=stack_outputs["LandingBucketName"],
        state_machine_arn=stack_outputs["StateMachineArn"],
        api_url=api_url,
        api_key=api_key,
        local_api_url=local_api_url,
        database_url=database_url,
        kafka_bootstrap_servers=stack_outputs.get("KafkaBootstrapServers"),
        kafka_topic=stack_outputs.get("KafkaTopic"),
        alert_topic_arn=stack_outputs.get("AlertTopicArn"),
    )
