"""Spark as the engine of the vault: where its tables lie, and how the load's state machine has it do a job.

One interface, two implementations: EMR Serverless on AWS; elsewhere an activity, whose worker is a Spark on the machine
(local/spark/worker.py), since LocalStack's open runtime has no EMR.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, CfnTag, Duration, Stack
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from functions.engine import spark_main_file, spark_module_files
from functions.engine.session import NAMESPACE_SETTING, SESSION, glue_catalog
from functions.engine.stored_job import PREFIX as PREFIX_OF_JOBS
from functions.model.reading import load_model
from functions.model.render.athena import athena_views
from infra.constructs.data_key import grant_key
from infra.constructs.nag import accept
from infra.constructs.private_bucket import PrivateBucket

RELEASE = "emr-7.13.0"
"""Spark 3.5 with Iceberg 1.10, which are the versions here too (requirements/spark.txt)."""
_ICEBERG = "/usr/share/aws/iceberg/lib/iceberg-spark3-runtime.jar"
_WORKER_VCPUS = 4
JOB_TIMEOUT = Duration.hours(5)
"""Less than the state machine has, so that a job that hangs is told from a load that does."""
_HEARTBEAT = Duration.minutes(2)
_TABLES, _LOGS = "vault", "logs"


class Warehouse(PrivateBucket):
    """The Iceberg tables (`vault/`), jobs for Spark with their rows (`jobs/`), and Spark's logs. Encrypted, private,
    TLS only; with `retain` it outlives its stack, since the tables are the vault."""

    def __init__(self, scope: Construct, construct_id: str, *, retain: bool, key: kms.IKey | None = None) -> None:
        super().__init__(
            scope,
            construct_id,
            retain=retain,
            key=key,
            lifecycle_rules=[
                # longer than an execution can be redriven
                s3.LifecycleRule(id="ForgetJobs", prefix=PREFIX_OF_JOBS, expiration=Duration.days(15)),
                s3.LifecycleRule(id="ForgetLogs", prefix=f"{_LOGS}/", expiration=Duration.days(30)),
                s3.LifecycleRule(id="AbortStaleUploads", abort_incomplete_multipart_upload_after=Duration.days(7)),
            ],
        )

    def grant_jobs(self, grantee: iam.IGrantable) -> None:
        """Let the engine's function write jobs and read what Spark has left with them, nothing of the tables."""
        for actions, resource in (
            (["s3:ListBucket"], self.bucket_arn),
            (["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], self.arn_for_objects(f"{PREFIX_OF_JOBS}*")),
        ):
            grantee.grant_principal.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        grant_key(self, grantee, "kms:Decrypt", "kms:GenerateDataKey")

    def grant_spark(self, grantee: iam.IGrantable) -> None:
        """Let Spark read and write all that lies here."""
        for actions, resource in (
            (["s3:ListBucket"], self.bucket_arn),
            (
                ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                self.arn_for_objects("*"),
            ),
        ):
            grantee.grant_principal.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        grant_key(self, grantee, "kms:Decrypt", "kms:GenerateDataKey")


class VaultEngine(Construct):
    """Does the jobs that the engine's function writes."""

    @abstractmethod
    def job_state(
        self, scope: Construct, name: str, retry: Mapping[str, Any], *, job: str, timeout: Duration
    ) -> sfn.CustomState:
        """The state that has the job done whose address lies at the path `job`, and ends when it is."""

    @abstractmethod
    def grant(self, state_machine: sfn.StateMachine) -> None:
        """Let the state machine do so."""


class LocalSpark(VaultEngine):
    """A Spark on the machine, which asks for jobs."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.activity = sfn.Activity(self, "Jobs")

    def job_state(
        self, scope: Construct, name: str, retry: Mapping[str, Any], *, job: str, timeout: Duration
    ) -> sfn.CustomState:
        activity = self.activity.activity_arn
        return sfn.CustomState(
            scope,
            name,
            state_json={
                "Type": "Task",
                "Resource": activity,
                "Parameters": {"run_id.$": "$$.Execution.Name", "job.$": job},
                "ResultPath": "$.engine",  # a null, which would drop it, does not get through CDK
                "TimeoutSeconds": timeout.to_seconds(),
                "HeartbeatSeconds": _HEARTBEAT.to_seconds(),
                "Retry": [retry],
            },
        )

    def grant(self, state_machine: sfn.StateMachine) -> None:
        """An activity is asked for by its worker: the state machine needs no permission."""


class ServerlessSpark(VaultEngine):
    """An application of EMR Serverless without anything kept warm: idle it costs nothing, and a job waits a minute or
    two for its workers.

    It runs outside of any VPC: it reads and writes S3 and the Glue catalog, and never PostgreSQL, whose rows the
    engine's function hands over. So it holds no sign-in, and needs no endpoint.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, warehouse: Warehouse, prefix: str, max_vcpus: int
    ) -> None:
        super().__init__(scope, construct_id)
        self._warehouse = warehouse
        self._most_executors = max_vcpus // _WORKER_VCPUS - 1
        stack = Stack.of(self)
        self.database_name = f"{prefix.lower().replace('-', '_')}_vault"
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=stack.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database_name,
                description="Customer 360: the raw vault, as Iceberg tables",
                location_uri=warehouse.s3_url_for_object(_TABLES),
            ),
        )
        self._add_views(database)
        self.application = emr.CfnApplication(
            self,
            "Application",
            name=f"{prefix}-vault",
            release_label=RELEASE,
            type="SPARK",
            architecture="ARM64",
            maximum_capacity=emr.CfnApplication.MaximumAllowedResourcesProperty(
                cpu=f"{max_vcpus} vCPU", memory=f"{8 * max_vcpus} GB", disk=f"{50 * max_vcpus} GB"
            ),
            auto_start_configuration=emr.CfnApplication.AutoStartConfigurationProperty(enabled=True),
            auto_stop_configuration=emr.CfnApplication.AutoStopConfigurationProperty(
                enabled=True, idle_timeout_minutes=5
            ),
            tags=[CfnTag(key="Name", value=f"{prefix}-vault")],
        )
        modules = spark_module_files()
        exclude = ["*", *(f"!{each.name}" for each in modules)]
        self._entry = assets.Asset(self, "Main", path=str(spark_main_file()))
        self._modules = assets.Asset(self, "Modules", path=str(modules[0].parent), exclude=exclude)
        self.role = self._role()

    def _add_views(self, database: glue.CfnDatabase) -> None:
        """Views for Athena, and for what reads through it; the tables below them come with Spark's first job."""
        for view in athena_views(load_model(), self.database_name):
            columns = [glue.CfnTable.ColumnProperty(name=column.name, type=column.glue_type) for column in view.columns]
            glue.CfnTable(
                self,
                view.name,
                catalog_id=Stack.of(self).account,
                database_name=self.database_name,
                table_input=glue.CfnTable.TableInputProperty(
                    name=view.name,
                    table_type="VIRTUAL_VIEW",
                    parameters={"presto_view": "true", "comment": "Presto View"},
                    view_original_text=view.original_text(self.database_name),
                    view_expanded_text="/* Presto View */",
                    storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                        columns=columns,
                        # names nothing, but Athena reads no view without it
                        serde_info=glue.CfnTable.SerdeInfoProperty(name="-", serialization_library="-"),
                    ),
                ),
            ).add_resource_dependency(database)

    def _role(self) -> iam.Role:
        stack = Stack.of(self)
        role = iam.Role(
            self,
            "JobRole",
            assumed_by=iam.PrincipalWithConditions(
                iam.ServicePrincipal("emr-serverless.amazonaws.com"),
                {
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    # AWS's examples name the application; a job is allowed for, should it be named in time
                    "ArnLike": {"aws:SourceArn": [self.application.attr_arn, f"{self.application.attr_arn}/jobruns/*"]},
                },
            ),
            description="What a job of Spark may do: the warehouse, and the vault's tables in the Glue catalog",
        )
        self._warehouse.grant_spark(role)
        for asset in (self._entry, self._modules):
            role.add_to_policy(
                iam.PolicyStatement(
                    actions=["s3:GetObject"], resources=[asset.bucket.arn_for_objects(asset.s3_object_key)]
                )
            )
        names = ("catalog", f"database/{self.database_name}", f"table/{self.database_name}/*")
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"],
                resources=[f"arn:{stack.partition}:glue:{stack.region}:{stack.account}:{name}" for name in names],
            )
        )
        return role

    def job_state(
        self, scope: Construct, name: str, retry: Mapping[str, Any], *, job: str, timeout: Duration
    ) -> sfn.CustomState:
        return sfn.CustomState(
            scope,
            name,
            state_json={
                "Type": "Task",
                "Resource": f"arn:{Aws.PARTITION}:states:::emr-serverless:startJobRun.sync",
                "Parameters": {
                    "ApplicationId": self.application.attr_application_id,
                    "ExecutionRoleArn": self.role.role_arn,
                    "Name.$": "$$.Execution.Name",
                    "ExecutionTimeoutMinutes": timeout.to_minutes(),
                    "JobDriver": {
                        "SparkSubmit": {
                            "EntryPoint": self._entry.s3_object_url,
                            "EntryPointArguments.$": f"States.Array({job})",
                            "SparkSubmitParameters": f"--py-files {self._modules.s3_object_url}",
                        }
                    },
                    "ConfigurationOverrides": {
                        # not as --conf: how spaces in values are quoted there is not documented
                        "ApplicationConfiguration": [
                            {"Classification": "spark-defaults", "Properties": self._settings()}
                        ],
                        "MonitoringConfiguration": {
                            "S3MonitoringConfiguration": {"LogUri": self._warehouse.s3_url_for_object(f"{_LOGS}/")}
                        },
                    },
                },
                "ResultPath": "$.engine",  # a null, which would drop it, does not get through CDK
                "TimeoutSeconds": timeout.to_seconds(),
                "Retry": [retry],
            },
        )

    def _settings(self) -> dict[str, str]:
        return {
            "spark.jars": _ICEBERG,
            "spark.driver.cores": str(_WORKER_VCPUS),
            "spark.executor.cores": str(_WORKER_VCPUS),
            "spark.executor.memory": "26g",  # and a tenth more; 30 GB are the most that 4 vCPUs may have
            # what a job asks for beyond the account's quota is not waited for: the job fails
            "spark.dynamicAllocation.initialExecutors": str(min(3, self._most_executors)),
            "spark.dynamicAllocation.maxExecutors": str(self._most_executors),
            **SESSION,
            **glue_catalog(self._warehouse.s3_url_for_object(_TABLES)),
            NAMESPACE_SETTING: self.database_name,
        }

    def grant(self, state_machine: sfn.StateMachine) -> None:
        """By the permissions of Step Functions' integration (Step Functions Developer Guide, "EMR Serverless")."""
        stack = Stack.of(self)
        application = self.application.attr_arn
        rule = f"arn:{stack.partition}:events:{stack.region}:{stack.account}:rule/{_RULE}"
        for statement in (
            iam.PolicyStatement(actions=["emr-serverless:StartJobRun"], resources=[application]),
            iam.PolicyStatement(
                actions=["emr-serverless:CancelJobRun", "emr-serverless:GetJobRun"],
                resources=[f"{application}/jobruns/*"],
            ),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[self.role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}},
            ),
            iam.PolicyStatement(
                actions=["events:DescribeRule", "events:PutRule", "events:PutTargets"], resources=[rule]
            ),
        ):
            state_machine.add_to_role_policy(statement)
        name = stack.get_logical_id(self.application)
        accept(state_machine, {f"IAM5[Resource::<{name}.Arn>/jobruns/*]": "Any job of this application, by its id."})


_RULE = "StepFunctionsGetEventsForEMRServerlessJobRule"
