"""Where copies of the audit trail are kept so that nobody, not even an administrator, changes or deletes them."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from functions.audit.shipment import PREFIX
from functions.model.reading import load_model
from infra.constructs.data_key import grant_key
from infra.constructs.private_bucket import PrivateBucket


class AuditBucket(PrivateBucket):
    """Versioned, encrypted, private, TLS only, each object locked in compliance mode for as long as the model keeps
    the trail; then it expires. It outlives its stack, and cannot be emptied before.
    """

    def __init__(self, scope: Construct, construct_id: str, key: kms.IKey | None = None) -> None:
        kept = Duration.days(load_model().retention.audit.other)
        super().__init__(
            scope,
            construct_id,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.compliance(kept),
            retain=True,
            key=key,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ForgetWhatIsNoLongerLocked",
                    expiration=kept,
                    noncurrent_version_expiration=Duration.days(1),
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=Duration.days(30)
                        )
                    ],
                )
            ],
        )

    def grant_copies(self, grantee: iam.IGrantable) -> None:
        """Let the load add copies: it reads none, and no lock can be shortened."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:PutObject"], resources=[self.arn_for_objects(f"{PREFIX}/*")])
        )
        grant_key(self, grantee, "kms:GenerateDataKey")
