"""Whatever AWS delivers in its own time has somewhere to go when it gives up: every rule, schedule and async call."""

import fnmatch
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.synthesis import Synthesis, flat, synthesize

SUPERSEDED = {"IssuerKeysRefreshKeys": "NotRefreshed"}
"""Functions called by a rule whose failures are not kept, since the next call does the same -> the alarm on these."""

HELD_BACK = ("email", "email-json", "sms")
"""Subscriptions that take no redrive policy, or whose messages no program could send again."""


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """All that is started by events, on AWS."""
    folder = tmp_path_factory.mktemp("everything") / "cdk.out"
    return synthesize(
        folder,
        target="aws",
        alert_email="data@example.com",
        audit_bucket="enabled",
        encrypt_alerts="enabled",
        jwt_audience="shop",
        jwt_issuer="https://issuer.example",
        on_arrival="enabled",
        stage="test",
        stream="provisioned",
        stream_pollers="1",
    )


def resources(synthesis: Synthesis, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stack, logical id and properties of each resource of a type, in every template."""
    for file in synthesis.files:
        for name, resource in json.loads(file.read_text())["Resources"].items():
            if resource["Type"] == kind:
                yield file.name.removesuffix(".template.json"), name, resource.get("Properties", {})


def dead_letter_targets(synthesis: Synthesis) -> dict[str, list[dict[str, Any]]]:
    """Stack and name of each rule and schedule -> its targets."""
    rules = {f"{s}/{n}": p["Targets"] for s, n, p in resources(synthesis, "AWS::Events::Rule")}
    schedules = {f"{s}/{n}": [p["Target"]] for s, n, p in resources(synthesis, "AWS::Scheduler::Schedule")}
    return rules | schedules


def test_every_target_of_every_rule_and_schedule_has_the_watched_queue(everything: Synthesis) -> None:
    [(_, queue, _)] = resources(everything, "AWS::SQS::Queue")
    targets = dead_letter_targets(everything)
    assert {name.rpartition("/")[2].rstrip("0123456789ABCDEF") for name in targets} == {
        "EveryNight", "OnArrival", "AlertsRule", "GivenUpRule", "IssuerKeysEvery",
    }  # fmt: skip
    for name, each in targets.items():
        for target in each:
            assert queue in flat(target.get("DeadLetterConfig", {}).get("Arn")), name
    watched = [
        flat(dimension["Value"])
        for _, _, alarm in resources(everything, "AWS::CloudWatch::Alarm")
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        for dimension in alarm["Dimensions"]
    ]
    assert watched == [queue]


def test_the_queue_takes_what_the_rules_send(everything: Synthesis) -> None:
    """Without that policy EventBridge drops the event, and says so nowhere but in a metric."""
    [(_, _, policy)] = resources(everything, "AWS::SQS::QueuePolicy")
    senders = [
        flat(pattern)
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and statement["Principal"] == {"Service": "events.amazonaws.com"}
        for condition in statement["Condition"].values()
        for pattern in condition.values()
    ]
    for stack, rule, _ in resources(everything, "AWS::Events::Rule"):
        named = f"arn:AWS::Partition:events:AWS::Region:AWS::AccountId:rule/{stack}-{rule}-1A2B3C"
        assert any(each == rule or fnmatch.fnmatchcase(named, each) for each in senders), rule


def test_every_function_that_an_event_calls_keeps_what_it_failed_on(everything: Synthesis) -> None:
    called = {
        flat(target["Arn"]) for each in dead_letter_targets(everything).values() for target in each
    } & {name for _, name, _ in resources(everything, "AWS::Lambda::Function")}  # fmt: skip
    assert called
    kept = {}
    for _, name, configuration in resources(everything, "AWS::Lambda::EventInvokeConfig"):
        destination = configuration.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        assert destination is not None, name
        kept[flat(configuration["FunctionName"])] = flat(destination)
    [(_, queue, _)] = resources(everything, "AWS::SQS::Queue")
    assert set(kept.values()) == {queue}
    for function in called - kept.keys():
        [alarm] = [alarm for start, alarm in SUPERSEDED.items() if function.startswith(start)]
        assert any(alarm in name for _, name, _ in resources(everything, "AWS::CloudWatch::Alarm")), function


def test_no_batch_and_no_message_of_a_subscription_is_lost(everything: Synthesis) -> None:
    [(_, _, mapping)] = resources(everything, "AWS::Lambda::EventSourceMapping")
    assert flat(mapping["DestinationConfig"]["OnFailure"]["Destination"]).startswith("GivenUp")
    for _, name, subscription in resources(everything, "AWS::SNS::Subscription"):
        assert subscription["Protocol"] in HELD_BACK or "RedrivePolicy" in subscription, name
