"""The load's state machine: plan, stage each file, check, load the vault in parallel, check, publish, finish."""

from typing import cast

from aws_cdk import Aws, CfnElement, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct, IConstruct

from infra.constructs.engine import VaultEngine
from infra.constructs.engine_states import EngineStates
from infra.constructs.lake import LakeCatalog
from infra.constructs.load_tasks import CALL_TIMEOUT, RETRIES, LoadTasks
from infra.constructs.nag import accept
from infra.constructs.retention import LOG_RETENTION
from infra.constructs.staging_states import HANDED_OVER, MANY, StagingStates

SNS_ERROR_NAMES = ("Sns.SnsException", "States.TaskFailed", "States.Timeout")
GLUE_ERROR_NAMES = (
    "Glue.ConcurrentModificationException",
    "Glue.InternalServiceException",
    "Glue.OperationTimeoutException",
    "Glue.ThrottlingException",
    "States.Timeout",
)
TIMEOUT = Duration.hours(6)
"""A night takes minutes; in the first load of years, a step of the vault goes on in one call after another."""
VAULT_STEPS = ("Hubs", "Links", "Satellites")
"""They run at the same time."""

_IS_DONE = {"is_done.$": "$.Payload.is_done"}


class NightlyLoad(sfn.StateMachine):
    """Runs the load; its execution name is the run id. Input: `{}`, or any of `{"files": [keys]}` (only these),
    `{"from": day, "to": day}` (only files of these days) and `{"accept_deletions": true}` (of snapshots).

    Each task has a timeout, and is tried again three times, `retry_interval_seconds` apart at first, on transient
    errors and on no others; for minutes when Lambda throttles it. A file whose staging ends the function at every try
    is given up, alone. Nothing else is caught: a failed execution stays failed (and can be redriven), and an
    EventBridge rule on its status records and alerts. `export` comes after Finish: when it fails, the execution fails
    and alerts, but the run has succeeded and nothing of it is loaded again. `catalog` is pointed at what was exported.
    With an `engine`, the function `jobs` writes what is to be loaded, the engine does it, and the function records it:
    one job for hubs, links and satellites, in place of the three steps, and one for maintenance where it is due. There
    the input may also be `{"move_to": "spark"}` or `{"move_to": "postgresql"}`: the vault is moved, nothing loaded.
    With `observed` it logs its transitions, without their data, and is traced; `redrivable` passes the number of
    redrives to the steps.
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
        self._tasks = LoadTasks(
            scope,
            load,
            Duration.seconds(retry_interval_seconds),
            # LocalStack's executions cannot be redriven, and do not count how often they were
            {"run_id.$": "$$.Execution.Name"}
            | ({"redrive_count.$": "$$.Execution.RedriveCount"} if redrivable else {}),
        )
        self._staging = StagingStates(self._tasks, staging_concurrency)
        self._export = export
        self._catalog = catalog
        self._spark = None if engine is None or jobs is None else EngineStates(self._tasks, engine, jobs)
        self._alerts = alerts
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
            for label in ("", *(f"/{name}" for name in MANY))
        }

    def _definition(self) -> sfn.IChainable:
        # its report is the output of the execution
        finish = self._tasks.load_step("Finish", "finish", result_path="$", output_path="$.Payload")
        retention = self._tasks.load_step(
            "EnforceRetention", "retention", result_path="$.retention", result_selector={"stores.$": "$.Payload.stores"}
        )
        finish.next(
            sfn.Choice(self._tasks.scope, "AnyHeldLists")
            .when(sfn.Condition.number_greater_than("$.held", 0), self._alert_held_lists().next(retention))
            .otherwise(retention)
        )
        if self._export is not None:
            retention.next(self._export_lake(self._export))
        stage_files, stage_many_files = self._staging.stage_files(), self._staging.stage_many_files()
        check_vault = self._tasks.load_step(
            "CheckVault", "check_vault", result_path="$.checks", result_selector=_IS_DONE
        )
        publish = self._tasks.load_step("PublishMarts", "publish").next(self._after_publication(finish))
        self._tasks.until_done(check_vault, "IsVaultChecked", "$.checks", publish)
        check_staging = self._tasks.load_step("CheckStaging", "check_staging")
        if self._spark is not None:
            check_staging.next(self._spark.vault_job(check_vault))
        else:
            check_staging.next(self._vault_steps(check_vault))
        stage_files.next(check_staging)
        stage_many_files.next(check_staging)
        are_many_files = sfn.Condition.boolean_equals("$.plan.are_many_files", value=True)
        are_many_parts = sfn.Choice(self._tasks.scope, "AreManyParts")
        parts = self._staging.list_parts()
        parts.next(are_many_parts.when(are_many_files, stage_many_files).otherwise(stage_files))
        any_files = (
            sfn.Choice(self._tasks.scope, "AnyFiles")
            # without files there is still their lateness to check, and marts to publish whose columns depend on the day
            .when(
                sfn.Condition.and_(
                    sfn.Condition.number_equals("$.plan.file_count", 0),
                    sfn.Condition.boolean_equals("$.plan.are_retractions_due", False),
                ),
                check_vault,
            )
            .when(
                sfn.Condition.boolean_equals("$.plan.are_many_large", value=True),
                self._staging.split_many_files().next(parts),
            )
            .when(sfn.Condition.number_greater_than("$.plan.large_count", 0), self._staging.split_files().next(parts))
            .when(are_many_files, stage_many_files)
            .otherwise(stage_files)
        )
        plan = self._plan().next(any_files)
        if self._spark is None:
            return self._list_running().next(plan)
        is_move = sfn.Choice(self._tasks.scope, "IsMove").when(
            sfn.Condition.is_present("$.move_to"), self._spark.move()
        )
        return self._list_running().next(is_move.otherwise(plan))

    def _after_publication(self, then: sfn.IChainable) -> sfn.IChainable:
        """Readers have all there is; before the run ends, Spark's tables are maintained."""
        if self._spark is None:
            return then
        alert = self._alert(
            "AlertMaintenance",
            "Customer 360: Iceberg tables were not maintained",
            "The load {} goes on without the maintenance of its Iceberg tables, which failed: small files and old"
            " snapshots stay until a later night. docs/runbook.md, section Tables are not maintained, says what to do.",
            "$$.Execution.Name",
        )
        return self._spark.maintenance(alert, then)

    def _vault_steps(self, then: sfn.IChainable) -> sfn.IChainable:
        """The vault in PostgreSQL: hubs, links and satellites at the same time."""
        at_once = sfn.Parallel(self._tasks.scope, "LoadVaultTables", result_path=sfn.JsonPath.DISCARD)
        return at_once.branch(*map(self._vault_step, VAULT_STEPS)).next(then)

    def _vault_step(self, what: str) -> sfn.IChainable:
        """Load hubs, links or satellites, in as many calls as it takes."""
        step = what.lower()
        load = self._tasks.load_step(f"Load{what}", step, result_path=f"$.{step}", result_selector=_IS_DONE)
        done = sfn.Succeed(self._tasks.scope, f"{what}Loaded")
        return self._tasks.until_done(load, f"Are{what}Loaded", f"$.{step}", done)

    def _list_running(self) -> sfn.CustomState:
        """List the running executions: the ledger still says RUNNING of a run that died with its database."""
        return sfn.CustomState(
            self._tasks.scope,
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
                        "IntervalSeconds": self._tasks.retry_interval.to_seconds(),
                        "BackoffRate": 2,
                        "MaxDelaySeconds": 30,
                        "JitterStrategy": "FULL",
                    }
                ],
            },
        )

    def _alert_held_lists(self) -> tasks.SnsPublish:
        return self._alert(
            "AlertHeldLists",
            "Customer 360: complete lists are held",
            "The load {} holds {} files of complete lists, since they would mark too many keys deleted. All"
            " else is loaded. c360 lists list shows them; docs/runbook.md, section A list is held, says"
            " what to do.",
            "$.run_id",
            "$.held",
        )

    def _alert(self, name: str, subject: str, message: str, *paths: str) -> tasks.SnsPublish:
        """A message in which what lies at `paths` stands in for each {}."""
        alert = tasks.SnsPublish(
            self._tasks.scope,
            name,
            topic=self._alerts,
            subject=subject,
            message=sfn.TaskInput.from_text(sfn.JsonPath.format(message, *map(sfn.JsonPath.string_at, paths))),
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=sfn.Timeout.duration(CALL_TIMEOUT),
        )
        self._tasks.retry(alert, SNS_ERROR_NAMES)
        return alert

    def _plan(self) -> tasks.LambdaInvoke:
        return self._tasks.task(
            "Plan",
            self._tasks.load,
            {
                "step": "plan",
                **self._tasks.step_context,
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
                **{f"{field}.$": f"$.Payload.{field}" for field in HANDED_OVER},
            },
            result_path="$.plan",
        )

    def _export_lake(self, export: lambda_.IFunction) -> sfn.IChainable:
        export_lake = self._tasks.task(
            "ExportLake",
            export,
            {"run_id.$": "$$.Execution.Name"},
            result_selector=_IS_DONE | {"rows.$": "$.Payload.rows", "tables.$": "$.Payload.tables"},
            result_path="$.lake",
        )
        then = self._point_catalog(self._catalog) if self._catalog else sfn.Succeed(self._tasks.scope, "LakeExported")
        return self._tasks.until_done(export_lake, "IsLakeExported", "$.lake", then)

    def _point_catalog(self, catalog: LakeCatalog) -> sfn.IChainable:
        # Step Functions calls Glue itself: the function has no route to it, and an endpoint costs $7.30 a month
        point = tasks.CallAwsService(
            self._tasks.scope,
            "PointTable",
            service="glue",
            action="updateTable",
            parameters={"DatabaseName": catalog.database_name, "TableInput.$": "$"},
            iam_resources=catalog.arns,
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=sfn.Timeout.duration(CALL_TIMEOUT),
        )
        self._tasks.retry(point, GLUE_ERROR_NAMES)
        tables = sfn.Map(
            self._tasks.scope, "PointCatalog", items_path="$.lake.tables", result_path=sfn.JsonPath.DISCARD
        )
        return tables.item_processor(point)


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
