"""What becomes of data when a stack is deleted: they outlive it with all they stand on, or go with it."""

from typing import cast

from aws_cdk import CfnDeletionPolicy, CfnResource, CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from infra.config import DeploymentConfig
from infra.constructs.function import PlatformFunction
from infra.constructs.nag import accept

_DATA = {"AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"}
_STOOD_ON = ("AWS::EC2::", "AWS::RDS::", "AWS::S3::BucketPolicy")


def keep(construct: IConstruct) -> None:
    """Let every resource of the construct outlive the deletion of its stack.

    A database that is kept holds its network interface, so its subnets, groups and parameters could not be deleted:
    the stack would end as DELETE_FAILED, and what is kept would have no way in.
    """
    for child in construct.node.find_all():
        if not isinstance(child, CfnResource):
            continue
        if child.cfn_resource_type in _DATA:
            child.apply_removal_policy(RemovalPolicy.RETAIN)
        elif child.cfn_resource_type.startswith(_STOOD_ON):
            # a rule that is replaced must not stay open
            child.cfn_options.deletion_policy = CfnDeletionPolicy.RETAIN
            child.cfn_options.update_replace_policy = CfnDeletionPolicy.DELETE


class EmptiedBeforeDeletion(Construct):
    """A bucket that goes with its stack: S3 deletes none that holds anything."""

    def __init__(self, scope: Construct, construct_id: str, *, deployment: DeploymentConfig, bucket: s3.Bucket) -> None:
        super().__init__(scope, construct_id)
        function = PlatformFunction(
            self,
            "Empty",
            deployment=deployment,
            handler="functions.common.empty_bucket_handler.handle",
            description="Empties a bucket before its stack deletes it",
            timeout=Duration.minutes(15),
            memory_mb=256,
        )
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["s3:ListBucketVersions"], resources=[bucket.bucket_arn])
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:DeleteObject", "s3:DeleteObjectVersion"], resources=[bucket.arn_for_objects("*")]
            )
        )
        if function.role is not None:
            logical_id = bucket.stack.get_logical_id(cast(CfnResource, bucket.node.default_child))
            accept(function.role, {f"IAM5[Resource::<{logical_id}.Arn>/*]": "All that the bucket holds."})
        resource = CustomResource(
            self, "Emptied", service_token=function.function_arn, properties={"BucketName": bucket.bucket_name}
        )
        # By override, since CustomResource's own service_timeout renders a string where an integer is due.
        cast(CfnResource, resource.node.default_child).add_property_override("ServiceTimeout", 900)
        resource.node.add_dependency(function, bucket)


def keep_or_empty(bucket: s3.Bucket, deployment: DeploymentConfig) -> None:
    """Keep the bucket, or let it go with its stack, as the deployment says; on LocalStack neither is needed."""
    if deployment.keeps_data:
        keep(bucket)
    elif deployment.on_aws:
        bucket.apply_removal_policy(RemovalPolicy.DESTROY)
        accept(bucket, {"S1": "It goes with its stack; logs come hours later, and would stop the deletion of theirs."})
        EmptiedBeforeDeletion(bucket, "Deletion", deployment=deployment, bucket=bucket)
