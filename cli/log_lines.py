"""Log lines of the functions: where they are, reading them from CloudWatch Logs, and one line of text for each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.output import as_text

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

    from cli.deployment import Deployment

_NOT_FOR_PEOPLE = frozenset(
    {"level", "location", "message", "timestamp", "service", "cold_start", "xray_trace_id"}
    | {"function_name", "function_memory_size", "function_arn", "function_request_id"}
    | {"exception", "exception_name", "stack_trace"}
)
_PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


@dataclass(frozen=True)
class LogLine:
    """One event of a function's log."""

    event_id: str
    function: str
    at: datetime
    message: str

    @property
    def text(self) -> str:
        """Time, function and message; a structured message as its sentence and its own fields."""
        record = _structured(self.message)
        text = _counts(self.message) or (self.message.rstrip() if record is None else _sentence(record))
        return f"{self.at:%H:%M:%S} {self.function:<8}{text}"

    def as_json(self) -> dict[str, object]:
        record = _structured(self.message)
        message = self.message if record is None else record
        return {"function": self.function, "at": as_text(self.at), "message": message}


def _structured(message: str) -> dict[str, Any] | None:
    try:
        record = json.loads(message)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "message" in record else None


def _counts(message: str) -> str | None:
    """The metrics of a line in CloudWatch's embedded format; None: another line."""
    try:
        record = json.loads(message)
        names = [metric["Name"] for metric in record["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
        return "METRICS " + " ".join(f"{name}={record[name][0]:g}" for name in names)
    except (ValueError, LookupError, TypeError):
        return None


def _sentence(record: dict[str, Any]) -> str:
    message = record["message"]
    text = message if isinstance(message, str) else json.dumps(message)
    fields = " ".join(f"{name}={_on_one_line(value)}" for name, value in record.items() if name not in _NOT_FOR_PEOPLE)
    trace = f"\n{record['exception'].rstrip()}" if isinstance(record.get("exception"), str) else ""
    return f"{record.get('level', 'INFO'):<8}{_on_one_line(text)} {fields}".rstrip() + trace


def _on_one_line(value: object) -> str:
    """A field that cannot pass for a line of its own."""
    return str(value).replace("\n", "\\n")


def log_groups(deployment: "Deployment", functions: Sequence[str]) -> dict[str, str]:
    """Function -> its log group; functions that the deployment lacks are left out.

    LocalStack writes to /aws/lambda/<name> whatever a function's configuration says.
    """
    groups = {}
    for function in functions:
        name = deployment.stack_outputs.get(f"{function.capitalize()}FunctionName")
        if name is None:  # a deployment without the clickstream, or the lake
            continue
        groups[function] = f"/aws/lambda/{name}"
        if not deployment.is_local:
            configured = deployment.functions.get_function_configuration(FunctionName=name).get("LoggingConfig", {})
            groups[function] = configured.get("LogGroup", groups[function])
    return groups


def read(
    logs: "CloudWatchLogsClient", groups: dict[str, str], begin: datetime, *, run_id: str | None = None
) -> list[LogLine]:
    """Lines of all `groups` from `begin` on, in order of time; only those that mention `run_id`, if given.

    The platform's own START, END and REPORT lines are left out. A function that has never run has no lines.
    """
    lines = []
    for function, group in groups.items():
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=int(begin.timestamp() * 1000)
        )
        try:
            for page in pages:
                for event in page["events"]:
                    message = event["message"]
                    if message.startswith(_PLATFORM) or (run_id and run_id not in message):
                        continue
                    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    lines.append(LogLine(event["eventId"], function, at, message))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
                raise
    return sorted(lines, key=lambda line: line.at)
