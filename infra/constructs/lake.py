"""The lake: a bucket of Parquet files, and on AWS the Glue tables that name them."""

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from functions.load.lake.export import PREFIX
from functions.load.lake.tables import TABLES
from infra.constructs.data_key import grant_key
from infra.constructs.private_bucket import PrivateBucket


class LakeBucket(PrivateBucket):
    """Encrypted, private, TLS only. Each run exports its content again; with `retain` it outlives its stack."""

    def grant_export(self, grantee: iam.IGrantable) -> None:
        """Let the export list, read, write and remove what is below the lake's prefix.

        Listing has no condition on the prefix: with one, S3 answers 403 instead of 404 for a missing manifest.
        """
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket_arn])
        )
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                resources=[self.arn_for_objects(f"{PREFIX}/*")],
            )
        )
        grant_key(self, grantee, "kms:Decrypt", "kms:GenerateDataKey")


class LakeCatalog(Construct):
    """A Glue database with a table for each of the lake's; the load points each at the current export.

    The tables' content is the load's, so nothing about it stands here: a deployment that changes none of this
    resource's properties leaves it as the last load has set it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, name: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.database_name = name
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=stack.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=name, description="Customer 360: the marts, exported by each nightly load"
            ),
        )
        for table in TABLES:
            glue.CfnTable(
                self,
                table.name,
                catalog_id=stack.account,
                database_name=name,
                table_input=glue.CfnTable.TableInputProperty(
                    name=table.name,
                    table_type="EXTERNAL_TABLE",
                    storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                        location=bucket.s3_url_for_object(f"{PREFIX}/{table.name}/")
                    ),
                ),
            ).add_resource_dependency(database)

    @property
    def arns(self) -> list[str]:
        """What updating the tables must be allowed on."""
        stack = Stack.of(self)
        names = ["catalog", f"database/{self.database_name}"]
        names += [f"table/{self.database_name}/{table.name}" for table in TABLES]
        return [f"arn:{stack.partition}:glue:{stack.region}:{stack.account}:{name}" for name in names]
