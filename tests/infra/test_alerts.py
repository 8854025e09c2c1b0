"""What goes wrong without a failed run raises an alert: nothing started, nothing delivered, given up."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.synthesis import REPOSITORY, Synthesis, actions, flat, resources, synthesize


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """On AWS with a clickstream, and nobody who gets alerts."""
    folder = tmp_path_factory.mktemp("streaming") / "cdk.out"
    return synthesize(folder, target="aws", stream="provisioned", encrypt_alerts="enabled")


def test_a_day_without_a_start_is_an_alarm_but_not_the_first(on_aws: Synthesis, tmp_path: Path) -> None:
    alarm = on_aws.properties("AWS::CloudWatch::Alarm", "AlertsNotStarted")
    assert alarm["TreatMissingData"] == "breaching", "nothing is measured when nothing starts"
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "LessThanThreshold")
    metrics = {each["Id"]: each.get("MetricStat", each.get("Expression")) for each in alarm["Metrics"]}
    [sum_of_both] = [each for each in metrics.values() if isinstance(each, str)]
    assert sum_of_both == "SUM([starts, migrations])"
    names = {key: metrics[key]["Metric"]["MetricName"] for key in ("starts", "migrations")}
    assert names == {"starts": "ExecutionsStarted", "migrations": "Invocations"}
    [function] = metrics["migrations"]["Metric"]["Dimensions"]
    assert flat(function["Value"]).startswith("Migrate")
    hours = alarm["EvaluationPeriods"] * metrics["starts"]["Period"] / 3600
    assert 24 < hours <= 7 * 24, "what CloudWatch evaluates at most"
    without = synthesize(tmp_path / "out", target="aws", schedule="disabled")
    assert not [name for name, _ in without.resources("AWS::CloudWatch::Alarm") if "NotStarted" in name]


def test_every_dead_letter_queue_has_an_alarm(streaming: Synthesis) -> None:
    queues = {
        name
        for file in streaming.files
        for name, resource in json.loads(file.read_text())["Resources"].items()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    watched = {
        flat(dimension["Value"])
        for _, alarm in streaming.resources("AWS::CloudWatch::Alarm")
        for dimension in alarm["Properties"].get("Dimensions", [])
        if alarm["Properties"].get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }
    assert watched == queues
    assert len(queues) == 1


def test_the_end_of_a_run_that_cannot_be_recorded_is_kept(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    configuration = on_aws.properties("AWS::Lambda::EventInvokeConfig")
    assert flat(configuration["FunctionName"]).startswith("RecordStatus")
    assert configuration["MaximumRetryAttempts"] == 2
    queue = flat(configuration["DestinationConfig"]["OnFailure"]["Destination"])
    assert queue.startswith("Undelivered")
    [sending] = [
        (actions(statement), resources(statement))
        for name, statement in on_aws.statements()
        if "MaySendFailures" in name
    ]
    assert sending == (["sqs:SendMessage"], [queue])
    assert not list(on_localstack.resources("AWS::Lambda::EventInvokeConfig"))


def test_a_batch_that_is_given_up_is_an_alert(streaming: Synthesis) -> None:
    template = streaming.template("Stream")["Resources"]
    [(name, bucket)] = [
        (name, each["Properties"]) for name, each in template.items()
        if each["Type"] == "AWS::S3::Bucket" and name.startswith("GivenUp")
    ]  # fmt: skip
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    [rule] = [each["Properties"] for each in template.values() if each["Type"] == "AWS::Events::Rule"]
    assert rule["EventPattern"]["detail-type"] == ["Object Created"]
    assert [flat(each) for each in rule["EventPattern"]["detail"]["bucket"]["name"]] == [name]
    [target] = rule["Targets"]
    assert "AlertTopic" in flat(target["Arn"])
    text = flat(target["InputTransformer"]["InputTemplate"])
    [anchor] = re.findall(r"docs/runbook\.md#([a-z-]+)", text)
    runbook = (REPOSITORY / "docs" / "runbook.md").read_text("utf-8")
    assert f"\n## {anchor.replace('-', ' ').capitalize()}\n" in runbook
    policies = [each["Properties"] for _, each in streaming.resources("AWS::SNS::TopicPolicy")]
    publishers = [
        statement["Principal"].get("Service") for each in policies for statement in each["PolicyDocument"]["Statement"]
        if isinstance(statement["Principal"], dict)
    ]  # fmt: skip
    assert "events.amazonaws.com" in publishers
    [key] = [each["Properties"] for _, each in streaming.resources("AWS::KMS::Key")]
    users = [statement["Principal"].get("Service") for statement in key["KeyPolicy"]["Statement"]]
    assert "events.amazonaws.com" in users, "the topic is encrypted"


def _warnings(synthesis: Synthesis) -> list[str]:
    manifest: dict[str, Any] = json.loads((synthesis.folder / "manifest.json").read_text())
    found = []
    for artifact in manifest["artifacts"].values():
        metadata = artifact.get("metadata", {})
        if "additionalMetadataFile" in artifact:
            metadata |= json.loads((synthesis.folder / artifact["additionalMetadataFile"]).read_text())
        found += [
            str(each["data"]) for entries in metadata.values() for each in entries if each["type"].endswith("warning")
        ]
    return found


def test_a_synthesis_whose_alerts_reach_nobody_says_so(streaming: Synthesis, on_aws: Synthesis) -> None:
    [warning] = [each for each in _warnings(streaming) if "reach nobody" in each]
    assert "-c alert_email=" in warning
    assert not [each for each in _warnings(on_aws) if "reach nobody" in each]
