"""Where S3 writes who asked the other buckets for what (on AWS)."""

from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from functions.model.reading import load_model
from infra.constructs.private_bucket import PrivateBucket


class AccessLogBucket(PrivateBucket):
    """Encrypted, private, TLS only. It keeps logs as long as the model says, and outlives its stack."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            retain=True,
            lifecycle_rules=[
                s3.LifecycleRule(id="Forget", expiration=Duration.days(load_model().retention.logs.personal))
            ],
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject"],
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                resources=[self.arn_for_objects("*")],
                # by account, not by bucket: buckets of later stacks would tie this one to them
                conditions={"StringEquals": {"aws:SourceAccount": self.env.account}},
            )
        )

    def log(self, bucket: s3.Bucket, name: str) -> None:
        """Have S3 log accesses to `bucket` below `name`/."""
        resource = cast(s3.CfnBucket, bucket.node.default_child)
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=self.bucket_name, log_file_prefix=f"{name}/"
        )
