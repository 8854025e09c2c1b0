"""One dashboard shows what matters, and every alarm says where the runbook has its section."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from functions.api import metrics as api_metrics
from functions.load import metrics as load_metrics
from functions.stream import metrics as stream_metrics
from tests.support.synthesis import REPOSITORY, Synthesis, flat, synthesize

RUNBOOK = REPOSITORY / "docs" / "runbook.md"
FREE_ALARMS, FREE_METRICS = 10, 50
"""Of an account, and of each of its first three dashboards: above that, infra/cost.py must name them."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """Everything that can be switched on."""
    folder = tmp_path_factory.mktemp("whole") / "cdk.out"
    return synthesize(
        folder, target="aws", stream="provisioned", alert_email="data@example.com", audit_bucket="enabled"
    )


def alarms(synthesis: Synthesis) -> dict[str, dict[str, Any]]:
    """The properties of every alarm of every stack."""
    return {
        name: resource["Properties"]
        for file in synthesis.files
        for name, resource in json.loads(file.read_text())["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def anchors(page: Path) -> set[str]:
    """The places that links to headings of a page lead to, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dashboard(synthesis: Synthesis) -> dict[str, Any]:
    """The body of the dashboard."""
    [resource] = [
        each
        for each in synthesis.template("Operations")["Resources"].values()
        if each["Type"] == "AWS::CloudWatch::Dashboard"
    ]
    body: dict[str, Any] = json.loads(flat(resource["Properties"]["DashboardBody"]))
    return body


def shown(synthesis: Synthesis) -> list[tuple[str, str]]:
    """Namespace and name of every metric on the dashboard."""
    rows = [row for widget in dashboard(synthesis)["widgets"] for row in widget["properties"].get("metrics", [])]
    return [(row[0], row[1]) for row in rows]


def test_every_alarm_links_to_a_section_of_the_runbook(whole: Synthesis) -> None:
    found = alarms(whole)
    assert len(found) >= 6
    for name, properties in found.items():
        [anchor] = re.findall(r"What to do: docs/runbook\.md#(\S+)$", properties["AlarmDescription"])
        assert anchor in anchors(RUNBOOK), name


def test_every_alarm_reaches_the_topic_which_takes_it(whole: Synthesis) -> None:
    for name, properties in alarms(whole).items():
        assert [flat(action) for action in properties["AlarmActions"]], name
        assert all("AlertTopic" in flat(action) for action in properties["AlarmActions"]), name
    policies = [each["Properties"] for _, each in whole.resources("AWS::SNS::TopicPolicy")]
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    allowed = [each for each in statements if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}]
    assert [(each["Action"], each["Condition"]) for each in allowed] == [
        ("sns:Publish", {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}})
    ]


def test_the_dashboard_shows_loads_rows_rejects_checks_api_database_and_clickstream(whole: Synthesis) -> None:
    custom = {name for namespace, name in shown(whole) if namespace == "C360"}
    assert custom == {
        *load_metrics.ROWS, *load_metrics.FILES, load_metrics.WAITING,
        load_metrics.UNRECONCILED, load_metrics.ERRORS, load_metrics.WARNINGS,
        api_metrics.REFUSED, api_metrics.UNAVAILABLE,
        stream_metrics.STORED, stream_metrics.REPEATED, stream_metrics.DEAD_LETTERS,
    }  # fmt: skip
    assert {
        ("AWS/States", "ExecutionsSucceeded"), ("AWS/States", "ExecutionsFailed"), ("AWS/States", "ExecutionTime"),
        ("AWS/ApiGateway", "Latency"), ("AWS/ApiGateway", "5XXError"),
        ("AWS/RDS", "DatabaseConnections"), ("AWS/Lambda", "OffsetLag"), ("AWS/Lambda", "Errors"),
    } <= set(shown(whole))  # fmt: skip
    [duration] = [each["properties"] for each in dashboard(whole)["widgets"] if "annotations" in each["properties"]]
    assert [line["value"] for line in duration["annotations"]["horizontal"]] == [900_000], "the SLA"


def test_counts_are_asked_for_under_the_service_that_emits_them(whole: Synthesis) -> None:
    services = {
        resource["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for file in whole.files
        for resource in json.loads(file.read_text())["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    rows = [row for widget in dashboard(whole)["widgets"] for row in widget["properties"].get("metrics", [])]
    asked = {row[3] for row in rows if row[0] == "C360"}
    assert asked == {"c360-api", "c360-load", "c360-stream"}
    assert asked <= services


def test_the_status_of_every_alarm_is_on_the_dashboard(whole: Synthesis) -> None:
    [status] = [each["properties"]["alarms"] for each in dashboard(whole)["widgets"] if each["type"] == "alarm"]
    assert len(status) == len(alarms(whole))


def test_the_dashboard_and_the_alarms_are_free(whole: Synthesis, on_aws: Synthesis) -> None:
    for synthesis in (whole, on_aws):
        assert len(alarms(synthesis)) <= FREE_ALARMS
        assert len(shown(synthesis)) + len(alarms(synthesis)) <= FREE_METRICS


def test_without_a_clickstream_nothing_of_it_is_shown(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    assert not any(name.startswith("Events") or name == "OffsetLag" for _, name in shown(on_aws))
    assert not any("Operations" in file.name for file in on_localstack.files)


def test_a_bill_above_the_budget_is_an_email(tmp_path: Path, on_aws: Synthesis) -> None:
    def budgets(synthesis: Synthesis) -> list[dict[str, Any]]:
        resources = synthesis.template("Operations")["Resources"].values()
        return [each["Properties"] for each in resources if each["Type"] == "AWS::Budgets::Budget"]

    assert budgets(on_aws) == []
    [budget] = budgets(synthesize(tmp_path / "out", target="aws", budget="30", alert_email="data@example.com"))
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 30, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:deployment$C360"]}
    notifications = budget["NotificationsWithSubscribers"]
    assert [each["Notification"]["Threshold"] for each in notifications] == [80, 100]
    assert {each["Subscribers"][0]["Address"] for each in notifications} == {"data@example.com"}


def test_everything_that_takes_tags_says_whose_it_is(whole: Synthesis) -> None:
    kinds = ("AWS::S3::Bucket", "AWS::RDS::DBInstance", "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine")
    seen = set()
    for file in whole.files:
        for name, resource in json.loads(file.read_text())["Resources"].items():
            if resource["Type"] in kinds:
                tags = {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
                assert (tags["project"], tags["deployment"]) == ("customer-360", "C360"), name
                assert tags["component"] == file.name.split(".")[0].removeprefix("C360-").lower(), name
                seen.add(resource["Type"])
    assert seen == {*kinds}


def test_functions_the_api_and_loads_are_traced_on_aws_only(whole: Synthesis, on_localstack: Synthesis) -> None:
    for file in whole.files:
        for name, resource in json.loads(file.read_text())["Resources"].items():
            if resource["Type"] == "AWS::Lambda::Function":
                assert resource["Properties"]["TracingConfig"] == {"Mode": "Active"}, name
    assert whole.properties("AWS::ApiGateway::Stage")["TracingEnabled"] is True
    assert whole.properties("AWS::StepFunctions::StateMachine")["TracingConfiguration"] == {"Enabled": True}
    for _, function in on_localstack.resources("AWS::Lambda::Function"):
        assert "TracingConfig" not in function["Properties"]
