"""The landing bucket: where files are dropped, and kept."""

from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from functions.common.landing import MANIFEST_PREFIX
from infra.constructs.data_key import grant_key
from infra.constructs.private_bucket import PrivateBucket

PREFIX = "landing/"


_TIERS = s3.LifecycleRule(
    id="CheaperOnceLoaded",
    # S3 moves what nobody reads to a cheaper tier, and back at once when it is read; small objects stay as they are
    transitions=[s3.Transition(storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=Duration.days(30))],
    noncurrent_version_transitions=[
        s3.NoncurrentVersionTransition(
            storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=Duration.days(30)
        )
    ],
)


class LandingBucket(PrivateBucket):
    """Versioned, encrypted, private, TLS only; announces each new object on EventBridge.

    Versions are the input of the load, so they outlive a replacement by `NONCURRENT_DAYS`. With `retain` the
    bucket survives the deletion of its stack, and what is old gets cheaper.
    """

    NONCURRENT_DAYS = 90

    def __init__(self, scope: Construct, construct_id: str, *, retain: bool, key: kms.IKey | None = None) -> None:
        super().__init__(
            scope,
            construct_id,
            versioned=True,
            retain=retain,
            key=key,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ForgetReplacedVersions",
                    noncurrent_version_expiration=Duration.days(self.NONCURRENT_DAYS),
                    expired_object_delete_marker=True,
                ),
                *([_TIERS] if retain else []),
                # longer than an execution can be redriven
                s3.LifecycleRule(id="ForgetManifests", prefix=MANIFEST_PREFIX, expiration=Duration.days(15)),
                s3.LifecycleRule(id="AbortStaleUploads", abort_incomplete_multipart_upload_after=Duration.days(7)),
            ],
        )
        # event_bridge_enabled=True would deploy a Node.js custom resource, which LocalStack's open runtime lacks;
        # the property of AWS::S3::Bucket does the same on both targets.
        cast(s3.CfnBucket, self.node.default_child).add_property_override(
            "NotificationConfiguration", {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        )

    def grant_load(self, grantee: iam.IGrantable) -> None:
        """Let the load list versions and read those under the landing prefix, and write manifests, nothing else.

        Listing has no condition on the prefix: with one, S3 answers 403 instead of 404 for a missing object.
        """
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:ListBucket", "s3:ListBucketVersions"], resources=[self.bucket_arn])
        )
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:GetObjectVersion"], resources=[self.arn_for_objects(f"{PREFIX}*")])
        )
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:PutObject"], resources=[self.arn_for_objects(f"{MANIFEST_PREFIX}*")])
        )
        grant_key(self, grantee, "kms:Decrypt", "kms:GenerateDataKey")
