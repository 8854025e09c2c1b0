"""The deployment's own key in KMS, for what holds data: buckets and database (`-c customer_key=enabled`)."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


class DataKey(kms.Key):
    """A key that rotates each year; with `kept` it outlives its stack, as what it encrypts does.

    Who deletes it deletes all that it encrypts, copies and snapshots too.
    """

    def __init__(self, scope: Construct, construct_id: str, *, kept: bool) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Customer 360: buckets and database",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if kept else RemovalPolicy.DESTROY,
        )


def grant_key(bucket: s3.Bucket, grantee: iam.IGrantable, *actions: str) -> None:
    """Allow `actions` of KMS to who uses objects of the bucket, where a key encrypts them.

    S3 asks KMS in their name, so no network needs a way to KMS.
    """
    if bucket.encryption_key is not None:
        bucket.encryption_key.grant(grantee, *actions)
