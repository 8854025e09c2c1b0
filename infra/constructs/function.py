"""A Lambda function of the platform: shared code, its own role, its own log group, a database role."""

from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import DeploymentConfig
from infra.constructs.bundle import REQUIREMENTS, function_code, host_processor
from infra.constructs.database import Database, Role
from infra.constructs.nag import accept
from infra.constructs.network import Network
from infra.constructs.retention import LOG_RETENTION


def service_name(construct_id: str, prefix: str) -> str:
    """The `service` of a function's log lines and metrics: another one in each deployment of an account."""
    return f"{prefix.lower()}-{construct_id.lower()}"


class PlatformFunction(lambda_.Function):
    """Runs `handler` from the bundle with `requirements`, signed in to the database as `role`, if it has one.

    Its IAM role may write its own log, connect as `role`, attach to the VPC where there is one, and nothing else.
    `network`: where a function without a database runs; None: anywhere. `concurrency`: how many may run at once, of
    those whom the database has connections for (the limits of the roles, sql/roles/grants.sql).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: DeploymentConfig,
        database: Database | None = None,
        role: Role | None = None,
        network: Network | None = None,
        handler: str,
        description: str,
        timeout: Duration,
        memory_mb: int,
        environment: dict[str, str] | None = None,
        reaches_s3: bool = False,
        requirements: Path = REQUIREMENTS,
        concurrency: int | None = None,
        scratch_gib: int | None = None,
    ) -> None:
        sign_in: dict[str, str] = {}
        if database is not None and role is not None:
            network = database.network(role, reads_landing=reaches_s3)
            sign_in = database.environment(role)
        # LocalStack's executor always logs to /aws/lambda/<name>.
        log_group = (
            logs.LogGroup(scope, f"{construct_id}Log", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY)
            if deployment.on_aws
            else None
        )
        super().__init__(
            scope,
            construct_id,
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=_architecture(deployment),
            code=function_code(
                deployment.bundle_platform, skip=not Stack.of(scope).bundling_required, requirements=requirements
            ),
            handler=handler,
            timeout=timeout,
            reserved_concurrent_executions=(
                concurrency if deployment.on_aws and deployment.reserved_concurrency else None
            ),
            memory_size=memory_mb,
            ephemeral_storage_size=Size.gibibytes(scratch_gib) if scratch_gib and deployment.on_aws else None,
            role=_role(scope, construct_id, log_group, network),
            log_group=log_group,
            environment={
                "POWERTOOLS_SERVICE_NAME": service_name(construct_id, deployment.prefix),
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **sign_in,
                **(environment or {}),
            },
            # sampled: one request a second and 5 % of the others; 100,000 traces a month are free
            tracing=lambda_.Tracing.ACTIVE if deployment.on_aws else lambda_.Tracing.DISABLED,
            vpc=network.vpc if network else None,
            vpc_subnets=network.subnets if network else None,
            security_groups=network.security_groups if network else None,
        )
        if database is not None and role is not None:
            database.grant_connect(self, role)
        if deployment.on_aws and self.role is not None:
            accept(self.role, {"IAM5[Resource::*]": "Traces and network interfaces: X-Ray and EC2 take no narrower."})
        accept(self, {"L1": "One Python everywhere: the embedded runtime, the bundle and Lambda run 3.13."})


def _architecture(deployment: DeploymentConfig) -> lambda_.Architecture:
    if deployment.on_aws or host_processor() == "aarch64":
        return lambda_.Architecture.ARM_64
    return lambda_.Architecture.X86_64


def _role(scope: Construct, construct_id: str, log_group: logs.LogGroup | None, network: Network | None) -> iam.Role:
    statements = []
    if log_group is not None:
        statements.append(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            )
        )
    if network is not None:
        # The actions of AWSLambdaVPCAccessExecutionRole that concern the VPC; EC2 takes no narrower resource.
        statements.append(
            iam.PolicyStatement(
                actions=[
                    "ec2:AssignPrivateIpAddresses",
                    "ec2:CreateNetworkInterface",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSubnets",
                    "ec2:UnassignPrivateIpAddresses",
                ],
                resources=["*"],
            )
        )
    return iam.Role(
        scope,
        f"{construct_id}Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={"Base": iam.PolicyDocument(statements=statements)} if statements else None,
    )
