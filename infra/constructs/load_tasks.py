"""A step of the nightly load as a task of its state machine: its payload, its timeout, and when it is tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from functions.common.errors import TRANSIENT_ERROR_NAMES

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
RETRIES = 3
THROTTLED_RETRIES = 20
"""Some four minutes on average."""
STEP_TIMEOUT = Duration.minutes(16)
"""A function ends after 15; an answer that is lost must not keep the run until its own timeout."""
CALL_TIMEOUT = Duration.minutes(1)


@dataclass(frozen=True)
class LoadTasks:
    """Makes the tasks that call the functions of the load, in `scope`.

    `step_context` is what every step is told of the execution; `child_context` what a child of a Distributed Map is, an
    execution of its own, of the one whose child it is.
    """

    scope: Construct
    load: lambda_.IFunction
    retry_interval: Duration
    step_context: Mapping[str, str]

    @property
    def child_context(self) -> dict[str, str]:
        return {name: f"$.{name.removesuffix('.$')}" for name in self.step_context}

    def load_step(
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
        payload = {"step": step, **(context or self.step_context), **(more or {})}
        return self.task(
            name,
            self.load,
            payload,
            result_selector=result_selector,
            result_path=result_path,
            output_path=output_path,
        )

    def until_done(self, step: tasks.LambdaInvoke, name: str, path: str, then: sfn.IChainable) -> sfn.Chain:
        """The step again and again, until its answer (at `path`) says that nothing is left to do; then `then`.

        `name`: of the state that asks.
        """
        is_done = sfn.Choice(self.scope, name)
        return step.next(
            is_done.when(sfn.Condition.boolean_equals(f"{path}.is_done", value=False), step).otherwise(then)
        )

    def task(
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
            self.scope,
            name,
            lambda_function=function,
            payload=sfn.TaskInput.from_object(dict(payload)),
            result_selector=result_selector,
            result_path=result_path,
            output_path=output_path,
            retry_on_service_exceptions=False,  # CDK's own retries would come on top of ours
            task_timeout=sfn.Timeout.duration(STEP_TIMEOUT),
        )
        self.retry(task, THROTTLED_ERROR_NAMES, THROTTLED_RETRIES)
        self.retry(task, [*TRANSIENT_ERROR_NAMES, *LAMBDA_ERROR_NAMES])
        return task

    def retry(self, task: sfn.TaskStateBase, errors: Sequence[str], attempts: int = RETRIES) -> None:
        task.add_retry(
            errors=[*errors],
            max_attempts=attempts,
            interval=self.retry_interval,
            backoff_rate=2,
            max_delay=Duration.seconds(30),
            jitter_strategy=sfn.JitterType.FULL,
        )
