"""The states of the load that have Spark do something: the vault's job, maintenance of its tables, and a move."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from infra.constructs.engine import JOB_TIMEOUT, VaultEngine
from infra.constructs.load_tasks import LoadTasks

ENGINE_ERROR_NAMES = ("States.TaskFailed", "States.Timeout", "States.HeartbeatTimeout")
"""Spark's own words are in its log; a job that is done again finds what it has committed."""
ENGINE_RETRIES = 1
MAINTENANCE_TIMEOUT = Duration.hours(2)


@dataclass(frozen=True)
class EngineStates:
    """States that call the function `jobs`, which writes a job for the `engine` and records what it has done."""

    steps: LoadTasks
    engine: VaultEngine
    jobs: lambda_.IFunction

    def vault_job(self, then: sfn.IChainable) -> sfn.IChainable:
        """The vault's load: one job, since links and satellites write one table, and to start Spark takes long."""
        write = self._write("WriteVaultJob", "write_job", "$.vault")
        load = self._job("LoadVault", "$.vault.job", JOB_TIMEOUT)
        record = self._record("RecordVault", "record_job", "$.vault.job")
        return write.next(self._if_needed("IsVaultJobNeeded", "$.vault", load.next(record).next(then), then))

    def maintenance(self, alert: tasks.SnsPublish, then: sfn.IChainable) -> sfn.IChainable:
        """Maintenance of the tables, when it is due. Readers have the night's figures by then, and need nothing of it:
        where it fails, whatever the reason, there is an alert and the night goes on."""
        write = self._write("WriteMaintenance", "write_maintenance", "$.maintenance")
        maintain = self._job("MaintainTables", "$.maintenance.job", MAINTENANCE_TIMEOUT)
        record = self._record("RecordMaintenance", "record_maintenance", "$.maintenance.job")
        alert.next(then)
        for state in (write, maintain, record):
            state.add_catch(alert, errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        done = maintain.next(record).next(then)
        return write.next(self._if_needed("IsMaintenanceDue", "$.maintenance", done, then))

    def move(self) -> sfn.IChainable:
        """A move of the vault to the engine that the execution's input names (`move_to`)."""
        scope = self.steps.scope
        write = self.steps.task(
            "WriteMove",
            self.jobs,
            {
                "step": "write_move",
                **self.steps.step_context,
                "move_to.$": "$.move_to",
                "execution_arn.$": "$$.Execution.Id",
                "started_at.$": "$$.Execution.StartTime",
                "running.$": "$.running.arns",
            },
            result_selector={name: f"$.Payload.{name.removesuffix('.$')}" for name in (*_WRITTEN, "is_done.$")},
            result_path="$.vault",
        )
        move = self._job("MoveVault", "$.vault.job", JOB_TIMEOUT)
        record = self.steps.task(
            "RecordMove",
            self.jobs,
            {"step": "record_move", **self.steps.step_context, "job.$": "$.vault.job"},
            result_path="$",
            output_path="$.Payload",
        )
        nothing = sfn.Pass(
            scope, "NothingToMove", parameters={"engine.$": "$.move_to", "is_moved": False, "tables": []}
        )
        is_needed = self._if_needed("IsMoveNeeded", "$.vault", move.next(record), nothing)
        return self.steps.until_done(write, "IsMoveWritten", "$.vault", is_needed)

    def _write(self, name: str, step: str, path: str) -> tasks.LambdaInvoke:
        return self.steps.task(
            name,
            self.jobs,
            {"step": step, **self.steps.step_context},
            result_selector={name: f"$.Payload.{name.removesuffix('.$')}" for name in _WRITTEN},
            result_path=path,
        )

    def _job(self, name: str, job: str, timeout: Duration) -> sfn.CustomState:
        retry: dict[str, Any] = {
            "ErrorEquals": [*ENGINE_ERROR_NAMES],
            "MaxAttempts": ENGINE_RETRIES,
            "IntervalSeconds": self.steps.retry_interval.to_seconds(),
            "BackoffRate": 2,
            "MaxDelaySeconds": 30,
            "JitterStrategy": "FULL",
        }
        return self.engine.job_state(self.steps.scope, name, retry, job=job, timeout=timeout)

    def _record(self, name: str, step: str, job: str) -> tasks.LambdaInvoke:
        return self.steps.task(name, self.jobs, {"step": step, **self.steps.step_context, "job.$": job})

    def _if_needed(self, name: str, path: str, do: sfn.IChainable, otherwise: sfn.IChainable) -> sfn.Choice:
        is_needed = sfn.Condition.boolean_equals(f"{path}.is_needed", value=True)
        return sfn.Choice(self.steps.scope, name).when(is_needed, do).otherwise(otherwise)


_WRITTEN = ("is_needed.$", "job.$")
