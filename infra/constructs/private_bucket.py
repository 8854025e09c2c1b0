"""A bucket as all of ours are: encrypted, private, TLS only."""

from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


class PrivateBucket(s3.Bucket):
    """Encrypted by S3's own keys, or by `key`, which is asked for once per bucket and not per object.

    With `retain` it outlives its stack. `more`: other arguments of s3.Bucket.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, retain: bool, key: kms.IKey | None = None, **more: Any
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=None if key is None else True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
            **more,
        )
