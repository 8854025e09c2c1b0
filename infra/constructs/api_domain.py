"""The API under a name of its owner's (`-c domain_name=`)."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from infra.config import DeploymentConfig


class ApiDomain(Construct):
    """A regional domain name at TLS 1.2, whose root is the stage; in Route 53 where the zone is known."""

    def __init__(
        self, scope: Construct, construct_id: str, deployment: DeploymentConfig, api: apigateway.RestApi
    ) -> None:
        super().__init__(scope, construct_id)
        domain = apigateway.DomainName(
            self,
            "Name",
            domain_name=deployment.domain_name,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", deployment.certificate_arn),
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        domain.add_base_path_mapping(api, stage=api.deployment_stage)
        if deployment.hosted_zone_id:
            zone = route53.HostedZone.from_hosted_zone_attributes(
                self,
                "Zone",
                hosted_zone_id=deployment.hosted_zone_id,
                zone_name=deployment.domain_name.partition(".")[2],
            )
            route53.ARecord(
                self,
                "Record",
                zone=zone,
                record_name=f"{deployment.domain_name}.",
                target=route53.RecordTarget.from_alias(targets.ApiGatewayDomain(domain)),
            )
        CfnOutput(Stack.of(self), "ApiDomainTarget", value=domain.domain_name_alias_domain_name)
