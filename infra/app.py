"""The stacks of a deployment: three, one for operations on AWS, and others where asked for."""

import sys
from dataclasses import dataclass

from aws_cdk import Annotations, App, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.access_stack import AccessStack
from infra.api_stack import ApiStack
from infra.config import DeploymentConfig
from infra.cost import check_budget, estimate, report
from infra.data_stack import DataStack
from infra.operations_stack import OperationsStack
from infra.options import AccessKind, StreamKind
from infra.outputs import ACCESS, API, DATA, OPERATIONS, PIPELINE, QUICKSIGHT, STREAM, stack_name
from infra.pipeline_stack import PipelineStack
from infra.quicksight_stack import QuickSightStack
from infra.stream_stack import StreamStack

_NOBODY = "alerts and alarms reach nobody: pass -c alert_email=you@example.com, or subscribe to AlertTopicArn yourself"


@dataclass(frozen=True)
class Stacks:
    """Data apart from what can be thrown away and deployed again."""

    data: DataStack
    pipeline: PipelineStack
    api: ApiStack


def build(app: App, deployment: DeploymentConfig) -> Stacks:
    """Add the deployment's stacks to `app`; for AWS also cdk-nag, and the idle cost on stderr.

    The API waits for the pipeline, whose migrations it needs. Raises BudgetError before anything is built, and
    BundleError.
    """
    check_budget(deployment)
    data_name, pipeline_name, api_name, stream_name = (
        stack_name(name, deployment.prefix) for name in (DATA, PIPELINE, API, STREAM)
    )
    data = DataStack(app, data_name, deployment, description="Customer 360: what must be kept")
    pipeline = PipelineStack(app, pipeline_name, deployment, data, description="Customer 360: the nightly load")
    about, queue = "Customer 360: the HTTPS API", pipeline.undelivered
    api = ApiStack(app, api_name, deployment, data, pipeline.alerts.topic, queue, description=about)
    api.add_stack_dependency(pipeline)
    stream: StreamStack | None = None
    if deployment.stream is not StreamKind.DISABLED:
        about = "Customer 360: the clickstream"
        stream = StreamStack(app, stream_name, deployment, data, pipeline, description=about)
    if deployment.quicksight_principal:
        about = "Customer 360: the dashboard in QuickSight"
        name = stack_name(QUICKSIGHT, deployment.prefix)
        QuickSightStack(app, name, deployment, data, description=about).add_stack_dependency(pipeline)
    if deployment.database_access is not AccessKind.NONE:
        about, name = "Customer 360: people's access to the database", stack_name(ACCESS, deployment.prefix)
        AccessStack(app, name, deployment, data, description=about).add_stack_dependency(pipeline)
    if deployment.on_aws:
        about, name = "Customer 360: its dashboard and alarms", stack_name(OPERATIONS, deployment.prefix)
        OperationsStack(app, name, deployment, data=data, pipeline=pipeline, api=api, stream=stream, description=about)
    Tags.of(app).add("project", "customer-360")
    Tags.of(app).add("deployment", deployment.prefix)
    if deployment.stage:
        Tags.of(app).add("stage", deployment.stage)
    for stack in app.node.children:
        if isinstance(stack, Stack):
            Tags.of(stack).add("component", stack.node.id.removeprefix(f"{deployment.prefix}-").lower())
    if deployment.on_aws and deployment.alert_email is None:
        Annotations.of(pipeline).add_warning_v2("c360:alerts-reach-nobody", _NOBODY)
    if deployment.on_aws:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        print(report(estimate(deployment)), file=sys.stderr)  # noqa: T201 (stdout belongs to the CDK)
    return Stacks(data, pipeline, api)
