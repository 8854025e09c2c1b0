"""One CloudWatch dashboard of the platform: loads, rows, checks, API, database, clickstream, alarms."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from functions.api import metrics as api_metrics
from functions.common.metrics import NAMESPACE
from functions.load import metrics as load_metrics
from functions.stream import metrics as stream_metrics
from infra.constructs.alarm import RUNBOOK
from infra.constructs.alerts import SLA
from infra.constructs.function import service_name
from infra.constructs.rds import ManagedDatabase
from infra.constructs.stream_alarms import offset_lag

DAY = Duration.days(1)
PERIOD = Duration.minutes(5)
_ABOUT = f"""\
# Customer 360
The load starts at 00:00 UTC and must end within {SLA.to_minutes():.0f} minutes. What to do when a figure is wrong:
{RUNBOOK}. Which run, file and row it is: `c360 runs`, `c360 logs`, `c360 quarantine list`.
"""


class OperationsDashboard(cloudwatch.Dashboard):
    """Two figures a row, each as wide as half the page.

    `prefix`: of the deployment. `database`: one of ours, whose metrics AWS has.
    `stream`: the stream function, where there is one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        prefix: str,
        load: sfn.IStateMachine,
        api: apigateway.RestApi,
        database: ManagedDatabase | None,
        functions: Sequence[lambda_.IFunction],
        stream: lambda_.IFunction | None,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id, dashboard_name=name, default_interval=Duration.days(14))
        self.add_widgets(
            cloudwatch.TextWidget(markdown=_ABOUT, width=12, height=4),
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=[*alarms], width=12, height=4),
        )
        self.add_widgets(
            _graph("Loads", _ended(load)),
            cloudwatch.GraphWidget(
                title="Longest load of a day",
                left=[load.metric_time(statistic="Maximum", period=DAY, label="milliseconds")],
                left_annotations=[
                    cloudwatch.HorizontalAnnotation(value=SLA.to_milliseconds(), label="SLA", color="#d62728")
                ],
                width=12,
            ),
        )
        self.add_widgets(
            _graph("Rows", _counts(prefix, "Load", [name for name in load_metrics.ROWS if name != "RowsQuarantined"])),
            _graph(
                "Rejected and held",
                _counts(prefix, "Load", ["RowsQuarantined", *load_metrics.FILES, load_metrics.WAITING]),
            ),
        )
        self.add_widgets(
            _graph(
                "Reconciliation and checks",
                _counts(prefix, "Load", [load_metrics.UNRECONCILED, load_metrics.ERRORS, load_metrics.WARNINGS]),
            ),
            _graph("Errors of functions", [function.metric_errors(period=PERIOD) for function in functions]),
        )
        self.add_widgets(
            _graph("API: milliseconds", [api.metric_latency(statistic=p, period=PERIOD) for p in ("p50", "p99")]),
            _graph(
                "API: requests and errors",
                [
                    api.metric_count(statistic="Sum", period=PERIOD),
                    api.metric_client_error(statistic="Sum", period=PERIOD),
                    api.metric_server_error(statistic="Sum", period=PERIOD),
                ],
            ),
        )
        self.add_widgets(
            _graph(
                "API: refused, and not available",
                _counts(prefix, "Api", [api_metrics.REFUSED, api_metrics.UNAVAILABLE], PERIOD),
            )
        )
        if database is not None:
            self.add_widgets(
                _graph("Database: connections", [database.metric("DatabaseConnections", "Maximum")]),
                _graph("Database: processor, percent", [database.metric("CPUUtilization", "Average")]),
            )
        if stream is not None:
            events = [stream_metrics.STORED, stream_metrics.REPEATED, stream_metrics.DEAD_LETTERS]
            self.add_widgets(
                _graph("Clickstream: messages that wait", [offset_lag(stream)]),
                _graph("Clickstream: events", _counts(prefix, "Stream", events, PERIOD)),
            )


def _ended(load: sfn.IStateMachine) -> list[cloudwatch.IMetric]:
    return [
        load.metric_succeeded(period=DAY),
        load.metric_failed(period=DAY),
        load.metric_timed_out(period=DAY),
        load.metric_aborted(period=DAY),
    ]


def _counts(prefix: str, function: str, names: Sequence[str], period: Duration = DAY) -> list[cloudwatch.IMetric]:
    """Counts that a function emits (functions/common/metrics.py)."""
    return [
        cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": service_name(function, prefix)},
            statistic="Sum",
            period=period,
        )
        for name in names
    ]


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=[*metrics], width=12)
