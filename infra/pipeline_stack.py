"""The nightly load: its functions, its state machine, what starts it, and the alerts when it does not succeed."""

from typing import Any, cast

from aws_cdk import CfnElement, CfnOutput, CfnResource, CustomResource, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct, IConstruct

from functions.audit.shipment import PREFIX as PREFIX_OF_AUDIT
from functions.common.landing import MANIFEST_PREFIX
from functions.engine.stored_job import PREFIX as PREFIX_OF_JOBS
from functions.load.lake.export import PREFIX as PREFIX_OF_LAKE
from infra.config import DeploymentConfig
from infra.constructs.alerts import AlertTopic, RunAlerts
from infra.constructs.bundle import EXPORT_REQUIREMENTS, REPOSITORY, tree_hash
from infra.constructs.data_key import grant_key
from infra.constructs.database import Role
from infra.constructs.engine import LocalSpark, ServerlessSpark, VaultEngine, Warehouse
from infra.constructs.function import PlatformFunction
from infra.constructs.keeping import keep_or_empty
from infra.constructs.lake import LakeBucket, LakeCatalog
from infra.constructs.landing import PREFIX
from infra.constructs.nag import accept
from infra.constructs.nightly_load import VAULT_STEPS, NightlyLoad
from infra.constructs.undelivered import UndeliveredQueue
from infra.data_stack import DataStack
from infra.options import EngineKind

# Means the same as {}, which LocalStack's EventBridge takes for "no event" and does not deliver.
ALL_FILES: dict[str, list[str]] = {"files": []}


class PipelineStack(Stack):
    """Stateless: it can be deleted and deployed again without losing a row."""

    def __init__(
        self, scope: Construct, construct_id: str, deployment: DeploymentConfig, data: DataStack, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._deployment = deployment
        self._data = data

        self.migrate = self._function(
            "Migrate", "functions.load.schema.migrate_handler.handle", Role.ADMIN,
            "Brings the database's schema up to date, in a deployment", Duration.minutes(15), 512, concurrency=2,
        )  # fmt: skip
        self.schema = self._schema()
        self.load = self._function(
            "Load", "functions.load.handler.handle", Role.LOADER,
            "One step of the nightly load", Duration.minutes(15), 1024,
            environment={
                "LANDING_BUCKET": data.landing.bucket_name,
                "LANDING_SPLIT_BYTES": str(deployment.split_mib << 20),
                **({} if data.audit is None else {"AUDIT_BUCKET": data.audit.bucket_name}),
            },
            reaches_s3=True,
            # and one of another run, which comes to wait for a lock
            concurrency=max(deployment.staging_concurrency, len(VAULT_STEPS)) + 1,
        )  # fmt: skip
        data.landing.grant_load(self.load)
        bucket = self.resolve(data.export_value(data.landing.bucket_arn))["Fn::ImportValue"]
        accept(
            cast(IConstruct, self.load.role),
            {
                f"IAM5[Resource::{bucket}/{PREFIX}*]": "Any dropped file, in the landing bucket only.",
                f"IAM5[Resource::{bucket}/{MANIFEST_PREFIX}*]": "Any run's manifests, in the landing bucket only.",
            },
        )
        if data.audit is not None:
            data.audit.grant_copies(self.load)
            copies = self.resolve(data.export_value(data.audit.bucket_arn))["Fn::ImportValue"]
            accept(
                cast(IConstruct, self.load.role),
                {f"IAM5[Resource::{copies}/{PREFIX_OF_AUDIT}/*]": "Any copy of the audit trail, in its bucket only."},
            )
        spark = deployment.engine is EngineKind.SPARK
        self.warehouse = Warehouse(self, "Warehouse", retain=deployment.on_aws, key=data.key) if spark else None
        self.engine = self._engine(self.warehouse) if self.warehouse else None
        self.jobs = self._jobs(self.warehouse) if self.warehouse else None
        self.record_status = self._function(
            "RecordStatus", "functions.load.plan.run_end_handler.handle", Role.LOADER,
            "Records that a load did not succeed", Duration.minutes(1), 256, concurrency=2,
        )  # fmt: skip

        self.lake = LakeBucket(self, "Lake", retain=deployment.on_aws, key=data.key) if deployment.lake else None
        if self.lake:
            keep_or_empty(self.lake, deployment)
        if self.lake and data.access_logs:
            data.access_logs.log(self.lake, "lake")
        self.catalog = self._catalog(self.lake) if self.lake and deployment.on_aws else None
        topic = AlertTopic(self, "AlertTopic", email=deployment.alert_email, encrypted=deployment.encrypt_alerts)
        self.state_machine = NightlyLoad(
            self,
            "NightlyLoad",
            load=self.load,
            export=self._export(self.lake) if self.lake else None,
            catalog=self.catalog,
            alerts=topic,
            manifests=data.landing.arn_for_objects(f"{MANIFEST_PREFIX}*"),
            retry_interval_seconds=2 if deployment.on_aws else 1,
            staging_concurrency=deployment.staging_concurrency,
            observed=deployment.on_aws,
            redrivable=deployment.on_aws,
            engine=self.engine,
            jobs=self.jobs,
        )
        accept(
            self.state_machine,
            {f"IAM5[Resource::{bucket}/{MANIFEST_PREFIX}*]": "Any run's manifests, in the landing bucket only."},
        )
        grant_key(data.landing, self.state_machine, "kms:Decrypt")
        topic.grant_key(self.state_machine)
        self.state_machine.node.add_dependency(self.schema)
        self.undelivered = UndeliveredQueue(self, "Undelivered") if deployment.on_aws else None
        self._start_rules()
        self.alerts = RunAlerts(
            self,
            "Alerts",
            state_machine=self.state_machine,
            record=self.record_status,
            topic=topic,
            undelivered=self.undelivered,
            observed=deployment.on_aws,
            migrate=self.migrate if deployment.schedule else None,
        )

        CfnOutput(self, "StateMachineArn", value=self.state_machine.state_machine_arn)
        if self.lake:
            CfnOutput(self, "LakeBucketName", value=self.lake.bucket_name)
        CfnOutput(self, "AlertTopicArn", value=self.alerts.topic.topic_arn)
        CfnOutput(self, "LoadFunctionName", value=self.load.function_name)
        if self.undelivered is not None:
            CfnOutput(self, "UndeliveredQueueUrl", value=self.undelivered.queue_url)
        CfnOutput(self, "MigrateFunctionName", value=self.migrate.function_name)
        CfnOutput(self, "SchemaOutcome", value=self.schema.get_att_string("Outcome"))

    def _function(
        self, name: str, handler: str, role: Role, description: str, timeout: Duration, memory_mb: int, **more: Any
    ) -> PlatformFunction:
        return PlatformFunction(
            self,
            name,
            deployment=self._deployment,
            database=self._data.database,
            role=role,
            handler=handler,
            description=description,
            timeout=timeout,
            memory_mb=memory_mb,
            **more,
        )

    def _export(self, lake: LakeBucket) -> PlatformFunction:
        """Only this function carries pandas, in a bundle of its own."""
        function = self._function(
            "Export", "functions.load.lake.export_handler.handle", Role.LOADER,
            "Exports the marts to the lake", Duration.minutes(15), 1769,
            environment={"LAKE_BUCKET": lake.bucket_name}, reaches_s3=True,
            requirements=EXPORT_REQUIREMENTS, concurrency=2,
        )  # fmt: skip
        lake.grant_export(function)
        CfnOutput(self, "ExportFunctionName", value=function.function_name)
        bucket = Stack.of(self).get_logical_id(cast(CfnElement, lake.node.default_child))
        accept(
            cast(IConstruct, function.role),
            {f"IAM5[Resource::<{bucket}.Arn>/{PREFIX_OF_LAKE}/*]": "Any file of an export, in the lake bucket only."},
        )
        return function

    def _engine(self, warehouse: Warehouse) -> VaultEngine:
        keep_or_empty(warehouse, self._deployment)
        if self._data.access_logs:
            self._data.access_logs.log(warehouse, "warehouse")
        CfnOutput(self, "WarehouseBucketName", value=warehouse.bucket_name)
        if not self._deployment.on_aws:
            local = LocalSpark(self, "Engine")
            CfnOutput(self, "EngineActivityArn", value=local.activity.activity_arn)
            return local
        engine = ServerlessSpark(
            self,
            "Engine",
            warehouse=warehouse,
            prefix=self._deployment.prefix,
            max_vcpus=self._deployment.engine_vcpus,
        )
        bucket = self.get_logical_id(cast(CfnElement, warehouse.node.default_child))
        accept(
            engine.role,
            {
                f"IAM5[Resource::<{bucket}.Arn>/*]": "All that the warehouse holds is Spark's.",
                f"IAM5[Resource::arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:table/"
                f"{engine.database_name}/*]": "Any table of the vault, which the model names.",
            },
        )
        return engine

    def _jobs(self, warehouse: Warehouse) -> PlatformFunction:
        """Rows go through its disk on their way to Spark."""
        function = self._function(
            "Jobs", "functions.engine.handler.handle", Role.LOADER,
            "Writes a job for Spark, and records it", Duration.minutes(15), 1769,
            environment={"WAREHOUSE_BUCKET": warehouse.bucket_name}, reaches_s3=True, concurrency=2, scratch_gib=10,
        )  # fmt: skip
        warehouse.grant_jobs(function)
        bucket = self.get_logical_id(cast(CfnElement, warehouse.node.default_child))
        accept(
            cast(IConstruct, function.role),
            {f"IAM5[Resource::<{bucket}.Arn>/{PREFIX_OF_JOBS}*]": "Any job, in the warehouse only."},
        )
        CfnOutput(self, "JobsFunctionName", value=function.function_name)
        return function

    def _catalog(self, lake: LakeBucket) -> LakeCatalog:
        name = f"{self._deployment.prefix.lower().replace('-', '_')}_lake"
        return LakeCatalog(self, "Catalog", bucket=lake, name=name)

    def _schema(self) -> CustomResource:
        """Runs the migrator in each deployment whose migrations, or migrator, differ from the last one's."""
        functions = REPOSITORY / "functions"
        resource = CustomResource(
            self,
            "Schema",
            service_token=self.migrate.function_arn,
            properties={
                "SchemaHash": tree_hash(
                    REPOSITORY / "sql",
                    # what is written to the database by every migration is rendered there
                    *sorted(functions.glob("load/schema/*.py")),
                    *sorted(functions.glob("model/**/*.py")),
                ),
                # a role that gets a password, or has one no more, is changed by the migrator
                **({"BiRole": "password"} if self._deployment.bi_has_a_password else {}),
            },
        )
        # By override, since CustomResource's own service_timeout renders a string where an integer is due.
        cast(CfnResource, resource.node.default_child).add_property_override("ServiceTimeout", 900)
        resource.node.add_dependency(self.migrate)
        return resource

    def _start_rules(self) -> None:
        start = targets.SfnStateMachine(
            self.state_machine,
            input=events.RuleTargetInput.from_object(ALL_FILES),
            dead_letter_queue=self.undelivered,
        )
        # A rule that is off is left out: LocalStack also delivers to rules whose state is DISABLED.
        if self._deployment.schedule:
            events.Rule(
                self,
                "EveryNight",
                description="Starts the load at 00:00 UTC",
                schedule=events.Schedule.cron(minute="0", hour="0"),
                targets=[start],
            )
        if self._deployment.on_arrival:
            events.Rule(
                self,
                "OnArrival",
                description="Starts a load when a file is dropped",
                event_pattern=events.EventPattern(
                    source=["aws.s3"],
                    detail_type=["Object Created"],
                    detail={
                        "bucket": {"name": [self._data.landing.bucket_name]},
                        "object": {"key": [{"prefix": PREFIX}]},
                    },
                ),
                targets=[start],
            )
