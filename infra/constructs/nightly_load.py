"""The load's state machine: plan, stage each file, check, load the vault in parallel, check, publish, finish."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from aws_cdk import Aws, CfnElement, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct, IConstruct

from functions.common.errors import TRANSIENT_ERROR_NAMES
from infra.constructs.engine import VaultEngine
from infra.constructs.lake import LakeCatalog
from infra.constructs.nag import accept
from infra.constructs.retention import LOG_RETENTION

# What Lambda itself reports when the function, or the service, broke down: trying again may help.
LAMBDA_ERROR_NAMES = (
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "States.Timeout",
)
THROTTLED_ERROR_NAMES = ("Lambda.TooManyRequestsException",)
"""Others use what the function, or the account, may run at once: that passes, but not in seconds."""
# The function's process ended, or ran out of time: when it does so at every try, that is for the file it was staging.
ENDED_PROCESS_ERROR_NAMES = ("Runtime.ExitError", "Sandbox.Timedout", "Lambda.Unknown")
SNS_ERROR_NAMES = ("Sns.SnsException", "States.TaskFailed", "States.Timeout")
GLUE_ERROR_NAMES = (
    "Glue.ConcurrentModificationException",
    "Glue.InternalServiceException",
    "Glue.OperationTimeoutException",
    "Glue.ThrottlingException",
    "States.Timeout",
)
ENGINE_ERROR_NAMES = ("States.TaskFailed", "States.Timeout", "States.HeartbeatTimeout")
"""Spark's own words are in its log; a job that is done again finds what it has committed."""
ENGINE_RETRIES = 1
RETRIES = 3
THROTTLED_RETRIES = 20
"""Some four minutes on average."""
STEP_TIMEOUT = Duration.minutes(16)
"""A function ends after 15; an answer that is lost must not keep the run until its own timeout."""
CALL_TIMEOUT = Duration.minutes(1)
TIMEOUT = Duration.hours(6)
"""A night takes minutes; in the first load of years, a step of the vault goes on in one call after another."""


_HANDED_OVER = ("bucket", "file_count", "are_many_files", "files", "files_manifest")
"""What is to be staged: the items themselves, or, of very many, where they are (functions/load/plan/manifest.py)."""


class NightlyLoad(sfn.StateMachine):
    """Runs the load; its execution name is the run id. Input: `{}`, or any of `{"files": [keys]}` (only these),
    `{"from": day, "to": day}` (only files of these days) and `{"accept_deletions": true}` (of snapshots).

    Each task has a timeout, and is tried again three times, `retry_interval_seconds` apart at first, on transient
    errors and on no others; for minutes when Lambda throttles it. A file whose staging ends the function at every try
    is given up, alone. Nothing else is caught: a failed execution stays failed (and can be redriven), and an
    EventBridge rule on its status records and alerts. `export` comes after Finish: when it fails, the execution fails
    and alerts, but the run has succeeded and nothing of it is loaded again. `catalog` is pointed at what was exported.
    With an `engine`, the function `jobs` writes what is to be loaded, the engine does it, and the function records it:
    one job for hubs, links and satellites, in place of the three steps. With `observed` it logs its transitions,
    without their data, and is traced; `redrivable` passes the number of redrives to the steps.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        load: lambda_.IFunction,
        export: lambda_.IFunction | None,
        catalog: LakeCatalog | None,
        alerts: sns.ITopic,
        retry_interval_seconds: int,
        staging_concurrency: int,
        manifests: str,
        observed: bool,
        redrivable: bool,
        engine: VaultEngine | None = None,
        jobs: lambda_.IFunction | None = None,
    ) -> None:
        self._scope = scope
        # LocalStack's executions cannot be redriven, and do not count how often they were
        self._step_context = {"run_id.$": "$$.Execution.Name"} | (
            {"redrive_count.$": "$$.Execution.RedriveCount"} if redrivable else {}
        )
        # a child of a Distributed Map is an execution of its own, and is told whose it is
        self._child_context = {name: f"$.{name.removesuffix('.$')}" for name in self._step_context}
        self._load = load
        self._export = export
        self._catalog = catalog
        self._engine = engine
        self._jobs = jobs
        self._alerts = alerts
        self._staging_concurrency = staging_concurrency
        self._retry_interval = Duration.seconds(retry_interval_seconds)
        super().__init__(
            scope,
            construct_id,
            definition_body=sfn.DefinitionBody.from_chainable(self._definition()),
            timeout=TIMEOUT,
            tracing_enabled=observed,
            logs=_log_options(scope, construct_id) if observed else None,
        )
        # a policy of its own: the state machine waits for its role's default policy, which so may not name it
        iam.Policy(
            self,
            "ListRunning",
            roles=[self.role],
            statements=[iam.PolicyStatement(actions=["states:ListExecutions"], resources=[self.state_machine_arn])],
        )
        self.add_to_role_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[manifests]))
        if engine is not None:
            engine.grant(self)
        functions = [function for function in (load, export, jobs) if function is not None]
        accept(
            self,
            {
                "IAM5[Resource::*]": "Log delivery and X-Ray take no narrower resource.",
                **self._accepted_of_maps(),
            }
            | {
                f"IAM5[Resource::<{_logical_id(function)}.Arn>:*]": "CDK grants a function with its versions."
                for function in functions
            },
        )

    def _accepted_of_maps(self) -> dict[str, str]:
        """What CDK lets the state machine do with the children of its Distributed Maps, whatever their ids."""
        name = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{_logical_id(self)}"}}]}}]}}'
        executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}"
        return {
            f"IAM5[Resource::{executions}{label}:*]": "The children of its own Distributed Maps."
            for label in ("", "/SplitManyFiles", "/StageManyFiles")
        }

    def _definition(self) -> sfn.IChainable:
        # its report is the output of the execution
        finish = self._load_step("Finish", "finish", result_path="$", output_path="$.Payload")
        retention = self._load_step(
            "EnforceRetention", "retention", result_path="$.retention", result_selector={"stores.$": "$.Payload.stores"}
        )
        finish.next(
            sfn.Choice(self._scope, "AnyHeldLists")
            .when(sfn.Condition.number_greater_than("$.held", 0), self._alert_held_lists().next(retention))
            .otherwise(retention)
        )
        if self._export is not None:
            retention.next(self._export_lake(self._export))
        stage_files = sfn.Map(
            self._scope,
            "StageFiles",
            items_path="$.plan.files",
            item_selector={
                "object_id.$": "$$.Map.Item.Value.object_id",
                "part.$": "$$.Map.Item.Value.part",
            },
            max_concurrency=self._staging_concurrency,
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(self._stage_file())
        stage_many_files = self._distributed_map("StageManyFiles", "files", self._stage_one_of_many(), ["part"])
        check_vault = self._load_step("CheckVault", "check_vault")
        check_vault.next(self._load_step("PublishMarts", "publish")).next(finish)
        check_staging = self._load_step("CheckStaging", "check_staging")
        if self._engine is not None and self._jobs is not None:
            check_staging.next(self._vault_job(self._engine, self._jobs, check_vault))
        else:
            check_staging.next(self._vault_steps(check_vault))
        stage_files.next(check_staging)
        stage_many_files.next(check_staging)
        are_many_files = sfn.Condition.boolean_equals("$.plan.are_many_files", value=True)
        are_many_parts = sfn.Choice(self._scope, "AreManyParts")
        parts = self._list_parts()
        parts.next(are_many_parts.when(are_many_files, stage_many_files).otherwise(stage_files))
        any_files = (
            sfn.Choice(self._scope, "AnyFiles")
            # without files there is still their lateness to check, and marts to publish whose columns depend on the day
            .when(
                sfn.Condition.and_(
                    sfn.Condition.number_equals("$.plan.file_count", 0),
                    sfn.Condition.boolean_equals("$.plan.are_retractions_due", False),
                ),
                check_vault,
            )
            .when(
                sfn.Condition.boolean_equals("$.plan.are_many_large", value=True), self._split_many_files().next(parts)
            )
            .when(sfn.Condition.number_greater_than("$.plan.large_count", 0), self._split_files().next(parts))
            .when(are_many_files, stage_many_files)
            .otherwise(stage_files)
        )
        return self._list_running().next(self._plan()).next(any_files)

    def _vault_steps(self, then: sfn.IChainable) -> sfn.IChainable:
        """The vault in PostgreSQL: hubs, then links beside satellites."""
        beside = sfn.Parallel(self._scope, "LoadLinksAndSatellites", result_path=sfn.JsonPath.DISCARD).branch(
            self._vault_step("Links", sfn.Succeed(self._scope, "LinksLoaded")),
            self._vault_step("Satellites", sfn.Succeed(self._scope, "SatellitesLoaded")),
        )
        return self._vault_step("Hubs", beside.next(then))

    def _vault_job(self, engine: VaultEngine, jobs: lambda_.IFunction, then: sfn.IChainable) -> sfn.IChainable:
        """The vault on Spark: one job, since links and satellites write one table, and to start Spark takes long."""
        write = self._task(
            "WriteVaultJob",
            jobs,
            {"step": "write_job", **self._step_context},
            result_selector={"is_needed.$": "$.Payload.is_needed", "job.$": "$.Payload.job"},
            result_path="$.vault",
        )
        load = engine.job_state(
            self._scope,
            "LoadVault",
            {
                "ErrorEquals": [*ENGINE_ERROR_NAMES],
                "MaxAttempts": ENGINE_RETRIES,
                "IntervalSeconds": self._retry_interval.to_seconds(),
                "BackoffRate": 2,
                "MaxDelaySeconds": 30,
                "JitterStrategy": "FULL",
            },
        )
        record = self._task("RecordVault", jobs, {"step": "record_job", **self._step_context, "job.$": "$.vault.job"})
        is_needed = sfn.Choice(self._scope, "IsVaultJobNeeded").when(
            sfn.Condition.boolean_equals("$.vault.is_needed", value=True), load.next(record).next(then)
        )
        return write.next(is_needed.otherwise(then))

    def _vault_step(self, what: str, then: sfn.IChainable) -> sfn.Chain:
        """Load hubs, links or satellites: again and again, until the step says that nothing is left to do."""
        step = what.lower()
        load = self._load_step(
            f"Load{what}", step, result_path=f"$.{step}", result_selector={"is_done.$": "$.Payload.is_done"}
        )
        is_done = sfn.Choice(self._scope, f"Are{what}Loaded")
        return load.next(
            is_done.when(sfn.Condition.boolean_equals(f"$.{step}.is_done", value=False), load).otherwise(then)
        )

    def _list_running(self) -> sfn.CustomState:
        """List the running executions: the ledger still says RUNNING of a run that died with its database."""
        return sfn.CustomState(
            self._scope,
            "ListRunning",
            state_json={
                "Type": "Task",
                "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:sfn:listExecutions",
                "Parameters": {"StateMachineArn.$": "$$.StateMachine.Id", "StatusFilter": "RUNNING"},
                "ResultSelector": {"arns.$": "$.Executions[*].ExecutionArn"},
                "ResultPath": "$.running",
                "TimeoutSeconds": CALL_TIMEOUT.to_seconds(),
                "Retry": [
                    {
                        "ErrorEquals": ["Sfn.SfnException", "States.TaskFailed", "States.Timeout"],
                        "MaxAttempts": RETRIES,
                        "IntervalSeconds": self._retry_interval.to_seconds(),
                        "BackoffRate": 2,
                        "MaxDelaySeconds": 30,
                        "JitterStrategy": "FULL",
                    }
                ],
            },
        )

    def _alert_held_lists(self) -> tasks.SnsPublish:
        alert = tasks.SnsPublish(
            self._scope,
            "AlertHeldLists",
            topic=self._alerts,
            subject="Customer 360: complete lists are held",
            message=sfn.TaskInput.from_text(
                sfn.JsonPath.format(
                    "The load {} holds {} files of complete lists, since they would mark too many keys deleted. All"
                    " else is loaded. c360 lists list shows them; docs/runbook.md, section A list is held, says"
                    " what to do.",
                    sfn.JsonPath.string_at("$.run_id"),
                    sfn.JsonPath.string_at("$.held"),
                )
            ),
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=sfn.Timeout.duration(CALL_TIMEOUT),
        )
        self._retry(alert, SNS_ERROR_NAMES)
        return alert

    def _stage_file(self) -> sfn.IChainable:
        stage = self._load_step("StageFile", "stage", {"object_id.$": "$.object_id", "part.$": "$.part"})
        give_up = self._load_step("GiveFileUp", "give_up", {"object_id.$": "$.object_id"})
        return stage.add_catch(give_up, errors=[*ENDED_PROCESS_ERROR_NAMES], result_path=sfn.JsonPath.DISCARD)

    def _stage_one_of_many(self) -> sfn.IChainable:
        said = {"object_id.$": "$.object_id"}
        # what all children answer together is a payload of Step Functions, so each answers as little as it can
        done = sfn.Pass(self._scope, "OneOfManyStaged", result=sfn.Result.from_object({}))
        stage = self._load_step("StageOneOfMany", "stage", said | {"part.$": "$.part"}, context=self._child_context)
        give_up = self._load_step("GiveOneOfManyUp", "give_up", said, context=self._child_context)
        stage.add_catch(give_up.next(done), errors=[*ENDED_PROCESS_ERROR_NAMES], result_path=sfn.JsonPath.DISCARD)
        return stage.next(done)

    def _split_many_files(self) -> sfn.DistributedMap:
        done = sfn.Pass(self._scope, "OneOfManySplit", result=sfn.Result.from_object({}))
        split = self._load_step("SplitOneOfMany", "split", {"object_id.$": "$.object_id"}, context=self._child_context)
        return self._distributed_map("SplitManyFiles", "large", split.next(done), [])

    def _distributed_map(
        self, name: str, manifest: str, each: sfn.IChainable, more: Sequence[str]
    ) -> sfn.DistributedMap:
        """For each item of a manifest that a step has written to S3, a child execution with a history of its own.

        Standard ones: those of the express kind end after five minutes. One that fails fails the run, as in the other
        Map. The bucket's name comes with the state, and the permission to read manifests from us: CDK's own would be to
        read the whole bucket.
        """
        distributed = sfn.DistributedMap(
            self._scope,
            name,
            label=name,
            map_execution_type=sfn.StateMachineType.STANDARD,
            item_reader=sfn.S3JsonItemReader(
                bucket_name_path=sfn.JsonPath.string_at("$.plan.bucket"),
                key=sfn.JsonPath.string_at(f"$.plan.{manifest}_manifest"),
            ),
            item_selector={
                **self._step_context,
                **{f"{field}.$": f"$$.Map.Item.Value.{field}" for field in ("object_id", *more)},
            },
            max_concurrency=self._staging_concurrency,
            result_path=sfn.JsonPath.DISCARD,
        )
        distributed.item_processor(each)
        return distributed

    def _split_files(self) -> sfn.Map:
        """Find the parts of big files."""
        return sfn.Map(
            self._scope,
            "SplitFiles",
            items_path="$.plan.large",
            item_selector={"object_id.$": "$$.Map.Item.Value.object_id"},
            max_concurrency=self._staging_concurrency,
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(self._load_step("SplitFile", "split", {"object_id.$": "$.object_id"}))

    def _list_parts(self) -> tasks.LambdaInvoke:
        """List again what is to be staged."""
        return self._task(
            "ListParts",
            self._load,
            {"step": "parts", **self._step_context},
            result_selector={f"{field}.$": f"$.Payload.{field}" for field in _HANDED_OVER},
            result_path="$.plan",
        )

    def _plan(self) -> tasks.LambdaInvoke:
        return self._task(
            "Plan",
            self._load,
            {
                "step": "plan",
                **self._step_context,
                "execution_arn.$": "$$.Execution.Id",
                "started_at.$": "$$.Execution.StartTime",
                "input.$": "$$.Execution.Input",
                "running.$": "$.running.arns",
            },
            result_selector={
                "run_id.$": "$.Payload.run_id",
                "are_retractions_due.$": "$.Payload.are_retractions_due",
                "large_count.$": "$.Payload.large_count",
                "are_many_large.$": "$.Payload.are_many_large",
                "large.$": "$.Payload.large",
                "large_manifest.$": "$.Payload.large_manifest",
                **{f"{field}.$": f"$.Payload.{field}" for field in _HANDED_OVER},
            },
            result_path="$.plan",
        )

    def _export_lake(self, export: lambda_.IFunction) -> sfn.IChainable:
        export_lake = self._task(
            "ExportLake",
            export,
            {"run_id.$": "$$.Execution.Name"},
            result_selector={"rows.$": "$.Payload.rows", "tables.$": "$.Payload.tables"},
            result_path="$.lake",
        )
        if self._catalog is None:
            return export_lake
        # Step Functions calls Glue itself: the function has no route to it, and an endpoint costs $7.30 a month
        point = tasks.CallAwsService(
            self._scope,
            "PointTable",
            service="glue",
            action="updateTable",
            parameters={"DatabaseName": self._catalog.database_name, "TableInput.$": "$"},
            iam_resources=self._catalog.arns,
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=sfn.Timeout.duration(CALL_TIMEOUT),
        )
        self._retry(point, GLUE_ERROR_NAMES)
        tables = sfn.Map(self._scope, "PointCatalog", items_path="$.lake.tables", result_path=sfn.JsonPath.DISCARD)
        return export_lake.next(tables.item_processor(point))

    def _load_step(
        self,
        name: str,
        step: str,
        more: Mapping[str, Any] | None = None,
        *,
        result_path: str = sfn.JsonPath.DISCARD,
        result_selector: Mapping[str, Any] | None = None,
        output_path: str | None = None,
        context: Mapping[str, str] | None = None,
    ) -> tasks.LambdaInvoke:
        payload = {"step": step, **(context or self._step_context), **(more or {})}
        return self._task(
            name,
            self._load,
            payload,
            result_selector=result_selector,
            result_path=result_path,
            output_path=output_path,
        )

    def _task(
        self,
        name: str,
        function: lambda_.IFunction,
        payload: Mapping[str, Any],
        *,
        result_selector: Mapping[str, Any] | None = None,
        result_path: str = sfn.JsonPath.DISCARD,
        output_path: str | None = None,
    ) -> tasks.LambdaInvoke:
        task = tasks.LambdaInvoke(
            self._scope,
            name,
            lambda_function=function,
            payload=sfn.TaskInput.from_object(dict(payload)),
            result_selector=result_selector,
            result_path=result_path,
            output_path=output_path,
            retry_on_service_exceptions=False,  # CDK's own retries would come on top of ours
            task_timeout=sfn.Timeout.duration(STEP_TIMEOUT),
        )
        self._retry(task, THROTTLED_ERROR_NAMES, THROTTLED_RETRIES)
        self._retry(task, [*TRANSIENT_ERROR_NAMES, *LAMBDA_ERROR_NAMES])
        return task

    def _retry(self, task: sfn.TaskStateBase, errors: Sequence[str], attempts: int = RETRIES) -> None:
        task.add_retry(
            errors=[*errors],
            max_attempts=attempts,
            interval=self._retry_interval,
            backoff_rate=2,
            max_delay=Duration.seconds(30),
            jitter_strategy=sfn.JitterType.FULL,
        )


def _log_options(scope: Construct, construct_id: str) -> sfn.LogOptions:
    return sfn.LogOptions(
        destination=logs.LogGroup(
            scope, f"{construct_id}Log", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY
        ),
        level=sfn.LogLevel.ALL,
        include_execution_data=False,
    )


def _logical_id(resource: IConstruct) -> str:
    return Stack.of(resource).get_logical_id(cast(CfnElement, resource.node.default_child))
