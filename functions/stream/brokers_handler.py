"""Lambda handler of the custom resource that reports where an MSK cluster's brokers are.

CloudFormation has no such attribute of a cluster. The function runs outside of the VPC, from which MSK's API cannot
be reached.
"""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common.custom_resource import answered
from functions.common.errors import C360Error


class NoBrokersError(C360Error):
    """The cluster has no brokers that take IAM."""


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer CloudFormation's request. Attribute: `BootstrapServers`, as clients want them, which take IAM over TLS;
    with the property `SignIn=none`, for LocalStack, those that ask for nothing."""
    properties = event["ResourceProperties"]
    cluster_arn, is_open = str(properties.get("ClusterArn", "cluster")), properties.get("SignIn") == "none"
    return answered(event, context, cluster_arn, lambda: {"BootstrapServers": bootstrap_servers(cluster_arn, is_open)})


def bootstrap_servers(cluster_arn: str, is_open: bool = False) -> str:
    """`host:port,…` of the cluster, provisioned or serverless. Raises NoBrokersError."""
    brokers = boto3.client("kafka").get_bootstrap_brokers(ClusterArn=cluster_arn)
    servers = brokers.get("BootstrapBrokerString") if is_open else brokers.get("BootstrapBrokerStringSaslIam")
    if not servers:
        raise NoBrokersError("the cluster has no brokers that take IAM", cluster=cluster_arn)
    return servers
