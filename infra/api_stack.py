"""The HTTPS API: API Gateway in front of one function."""

from typing import Any, cast

from aws_cdk import CfnOutput, Duration, Fn, RemovalPolicy, Size, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from functions.api.security.public_paths import public_paths
from infra.config import DeploymentConfig
from infra.constructs.api_domain import ApiDomain
from infra.constructs.api_proxy import ApiProxy
from infra.constructs.database import Role
from infra.constructs.function import PlatformFunction
from infra.constructs.gateway_problems import problem_responses
from infra.constructs.issuer_keys import IssuerKeys
from infra.constructs.nag import accept
from infra.constructs.rds import RdsDatabase
from infra.constructs.retention import LOG_RETENTION
from infra.constructs.undelivered import UndeliveredQueue
from infra.constructs.web_acl import WebAcl
from infra.data_stack import DataStack
from infra.options import DatabaseKind

STAGE = "v1"
# API Gateway waits 29 s for an integration; the function gives up first, so that its own error is seen.
TIMEOUT = Duration.seconds(28)
CONCURRENCY, CONNECTIONS = 20, 2
"""Requests that are answered at once, and the connections of each: together what the role c360_api may have."""


class ApiStack(Stack):
    """A REST API (keys and usage plans exist for REST APIs only) that passes every path to the function."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        deployment: DeploymentConfig,
        data: DataStack,
        alerts: sns.ITopic,
        undelivered: UndeliveredQueue | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        keys = (
            IssuerKeys(
                self,
                "IssuerKeys",
                deployment=deployment,
                topic=alerts if deployment.on_aws else None,
                undelivered=None if undelivered is None else undelivered.for_rules_of(self),
            )
            if deployment.jwt_issuer and not deployment.jwt_jwks
            else None
        )
        database = (
            ApiProxy(self, "Proxy", cast(RdsDatabase, data.database)) if deployment.database_proxy else data.database
        )
        self.function = PlatformFunction(
            self,
            "Api",
            deployment=deployment,
            database=database,
            role=Role.API,
            handler="functions.api.handler.handle",
            description="Answers the API's requests",
            timeout=TIMEOUT,
            concurrency=CONCURRENCY,
            memory_mb=1024,
            environment=_environment(deployment) | ({} if keys is None else {"JWT_JWKS_URL": keys.url}),
            reaches_s3=keys is not None,
        )
        if keys is not None:
            keys.grant_read(self.function)
        self.api = apigateway.LambdaRestApi(
            self,
            "RestApi",
            handler=self.function,
            rest_api_name=f"{deployment.prefix}-api",  # its metrics go by this name
            proxy=False,
            integration_options=apigateway.LambdaIntegrationOptions(allow_test_invoke=False),
            description="Customer 360",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            min_compression_size=Size.kibibytes(1),
            cloud_watch_role=deployment.on_aws,
            deploy_options=_stage_options(self, deployment),
            default_method_options=apigateway.MethodOptions(api_key_required=deployment.api_key),
            default_cors_preflight_options=_preflight(deployment.cors_origins),
            disable_execute_api_endpoint=True if deployment.domain_name else None,
        )
        self.api.root.add_method("ANY")
        self.api.root.add_proxy()
        self.api.node.try_remove_child("Endpoint")  # CDK's own output; ours has LocalStack's URL
        if deployment.api_key:
            self._require_key(deployment)
        problem_responses(self.api, deployment.cors_origins)

        accept(
            self.api,
            {
                "APIG2": "The function validates requests against its own models, and answers 422.",
                "APIG4": "Applications authenticate by a key with a usage plan, or the function asks for their tokens.",
                "COG4": "Applications, not people, call the API: there is no user pool.",
                "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
                "AmazonAPIGatewayPushToCloudWatchLogs]": "API Gateway's account role is made for this policy.",
            },
        )

        if deployment.waf:
            WebAcl(self, "WebAcl", self.api.deployment_stage)
        else:
            accept(self.api, {"APIG3": "A web ACL costs $8 a month: by context. Throttling and keys are on."})

        # On LocalStack the stage is not the first part of the path.
        path = f"/{STAGE}"
        url = self.api.url
        if deployment.domain_name:
            ApiDomain(self, "Domain", deployment, self.api)
            path, url = "", f"https://{deployment.domain_name}/"
        elif not deployment.on_aws:
            path = Fn.join("", ["/_aws/execute-api/", self.api.rest_api_id, path])
            url = Fn.join("", [deployment.endpoint_url, path, "/"])
        if path:
            self.function.add_environment("API_ROOT_PATH", path)

        CfnOutput(self, "RestApiId", value=self.api.rest_api_id)
        CfnOutput(self, "ApiStage", value=STAGE)
        CfnOutput(self, "ApiUrl", value=url)
        CfnOutput(self, "ApiFunctionName", value=self.function.function_name)

    def _require_key(self, deployment: DeploymentConfig) -> None:
        """Make a key with a plan. What the app calls public needs none: a browser cannot send one for a page."""
        for path in public_paths(database_rests=deployment.database is DatabaseKind.AURORA):
            resource = self.api.root.resource_for_path(path.rstrip("/"))
            if path.endswith("/"):
                resource.add_proxy(default_method_options=apigateway.MethodOptions(api_key_required=False))
            else:
                resource.add_method("ANY", api_key_required=False)
        key = self.api.add_api_key("Key", description="Customer 360 applications")
        plan = self.api.add_usage_plan(
            "UsagePlan",
            throttle=apigateway.ThrottleSettings(rate_limit=deployment.api_rate, burst_limit=deployment.api_burst),
            quota=apigateway.QuotaSettings(limit=deployment.api_quota, period=apigateway.Period.MONTH),
        )
        plan.add_api_key(key)
        plan.add_api_stage(stage=self.api.deployment_stage)
        CfnOutput(self, "ApiKeyId", value=key.key_id)


def _preflight(origins: tuple[str, ...]) -> apigateway.CorsOptions | None:
    """The answer to preflight requests of pages of these origins."""
    if not origins:
        return None
    return apigateway.CorsOptions(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type", "If-None-Match", "X-Api-Key", "X-Request-ID"],
        max_age=Duration.hours(1),
    )


def _environment(deployment: DeploymentConfig) -> dict[str, str]:
    """The function's settings beside its database: who may call it, whose tokens it accepts, and what others see."""
    environment = {
        "API_OPEN_SCOPES": ",".join(deployment.api_open_scopes),
        "DATABASE_CONNECTIONS": str(CONNECTIONS),
    }
    if deployment.cors_origins:
        environment["CORS_ALLOWED_ORIGINS"] = ",".join(deployment.cors_origins)
    if deployment.jwt_issuer:
        environment |= {
            "API_AUTH": "jwt",
            "JWT_ISSUER": deployment.jwt_issuer,
            "JWT_AUDIENCE": deployment.jwt_audience,
            "JWT_SCOPE_PREFIX": deployment.jwt_scope_prefix,
            **({"JWT_JWKS": deployment.jwt_jwks} if deployment.jwt_jwks else {}),
        }
    return environment


def _stage_options(scope: Construct, deployment: DeploymentConfig) -> apigateway.StageOptions:
    throttling: dict[str, Any] = {
        "stage_name": STAGE,
        "throttling_rate_limit": deployment.api_rate,
        "throttling_burst_limit": deployment.api_burst,
    }
    if not deployment.on_aws:
        return apigateway.StageOptions(**throttling)
    access_log = logs.LogGroup(scope, "AccessLog", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY)
    return apigateway.StageOptions(
        **throttling,
        access_log_destination=apigateway.LogGroupLogDestination(access_log),
        access_log_format=apigateway.AccessLogFormat.json_with_standard_fields(
            caller=False, http_method=True, ip=True, protocol=True, request_time=True, resource_path=True,
            response_length=True, status=True, user=False,
        ),
        logging_level=apigateway.MethodLoggingLevel.ERROR,
        data_trace_enabled=False,
        tracing_enabled=True,
    )  # fmt: skip
