"""What starts a load, what tells that it failed, and what runs before it."""

from pathlib import Path
from typing import Any

import pytest

from tests.infra.synthesis import Synthesis, flat, synthesize


def rule(synthesis: Synthesis, name: str) -> dict[str, Any]:
    return synthesis.properties("AWS::Events::Rule", name)


def test_the_load_starts_at_midnight_utc(on_aws: Synthesis) -> None:
    nightly = rule(on_aws, "EveryNight")
    assert nightly["ScheduleExpression"] == "cron(0 0 * * ? *)"
    assert nightly["State"] == "ENABLED"
    [target] = nightly["Targets"]
    assert flat(target["Arn"]).startswith("NightlyLoad")
    assert target["Input"] == '{"files":[]}', "LocalStack does not deliver an empty input"


def test_rules_that_are_off_are_left_out(on_localstack: Synthesis, tmp_path: Path) -> None:
    started_by = [name for name, _ in on_localstack.resources("AWS::Events::Rule") if not name.startswith("Alerts")]
    assert not started_by, "LocalStack delivers events to disabled rules too"
    arrival = rule(
        synthesize(tmp_path / "out", target="localstack", database_host="127.0.0.1", on_arrival="enabled"), "OnArrival"
    )
    assert arrival["State"] == "ENABLED"
    assert arrival["EventPattern"]["source"] == ["aws.s3"]
    assert arrival["EventPattern"]["detail-type"] == ["Object Created"]
    assert arrival["EventPattern"]["detail"]["object"] == {"key": [{"prefix": "landing/"}]}
    assert "Landing" in flat(arrival["EventPattern"]["detail"]["bucket"]["name"][0])
    assert arrival["Targets"][0]["Input"] == '{"files":[]}'


def test_an_unsuccessful_run_is_recorded_and_alerted(either: Synthesis) -> None:
    alerts = rule(either, "Alerts")
    assert alerts["EventPattern"]["source"] == ["aws.states"]
    assert alerts["EventPattern"]["detail-type"] == ["Step Functions Execution Status Change"]
    detail = alerts["EventPattern"]["detail"]
    assert detail["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    [state_machine] = detail["stateMachineArn"]
    assert flat(state_machine).startswith("NightlyLoad")
    assert sorted(flat(target["Arn"])[:12] for target in alerts["Targets"]) == ["AlertsTopicC", "RecordStatus"]


def test_an_alert_says_what_failed_why_and_what_to_do(either: Synthesis) -> None:
    [transformer] = [
        target["InputTransformer"] for target in rule(either, "Alerts")["Targets"] if "InputTransformer" in target
    ]
    paths = set(transformer["InputPathsMap"].values())
    assert paths == {f"$.detail.{field}" for field in ("name", "status", "error", "cause", "executionArn")}
    for wanted in ("ended as <detail-status>", "c360 runs", "c360 run --resume <detail-name>"):
        assert wanted in transformer["InputTemplate"]
    # EventBridge takes text as one quoted string a line (user guide, "Input transformation").
    lines = transformer["InputTemplate"].splitlines()
    assert all(line.startswith('"') and line.endswith('"') for line in lines)


def test_what_cannot_be_delivered_on_aws_goes_to_a_queue(on_aws: Synthesis) -> None:
    targets = [
        target for _, found in on_aws.resources("AWS::Events::Rule") for target in found["Properties"]["Targets"]
    ]
    assert len(targets) == 3
    assert all(flat(target["DeadLetterConfig"]["Arn"]).startswith("Undelivered") for target in targets)


def test_an_email_address_is_subscribed_when_given(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    subscription = on_aws.properties("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "data@example.com")
    assert not list(on_localstack.resources("AWS::SNS::Subscription"))


def test_migrations_run_before_anything_can_start(either: Synthesis) -> None:
    [(schema, resource)] = either.resources("AWS::CloudFormation::CustomResource")
    assert flat(resource["Properties"]["ServiceToken"]).startswith("Migrate")
    assert resource["Properties"]["ServiceTimeout"] == 900
    [(_, machine)] = either.resources("AWS::StepFunctions::StateMachine")
    assert schema in machine["DependsOn"]
    migrator = [name for name, _ in either.resources("AWS::IAM::Policy") if name.startswith("MigrateRole")]
    [(_, function)] = [r for r in either.resources("AWS::Lambda::Function") if r[0].startswith("Migrate")]
    assert set(migrator) <= set(function["DependsOn"]), "the migrator could run before it may read its secret"


def test_a_changed_migration_runs_the_migrator_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_localstack: Synthesis
) -> None:
    from infra.constructs import bundle

    before = bundle.tree_hash(bundle.REPOSITORY / "sql")
    copy = tmp_path / "sql"
    (copy / "migrations").mkdir(parents=True)
    (copy / "migrations" / "0001_a.sql").write_text("select 1;")
    first = bundle.tree_hash(copy)
    (copy / "migrations" / "0001_a.sql").write_text("select 2;")
    assert len({before, first, bundle.tree_hash(copy)}) == 3
    expected = bundle.tree_hash(
        bundle.REPOSITORY / "sql", *sorted(bundle.REPOSITORY.glob("functions/load/migrate*.py"))
    )
    [(_, resource)] = on_localstack.resources("AWS::CloudFormation::CustomResource")
    assert resource["Properties"]["SchemaHash"] == expected


def test_outputs_are_the_contracts(either: Synthesis) -> None:
    assert set(either.outputs("Pipeline")) == {
        "StateMachineArn",
        "AlertTopicArn",
        "LoadFunctionName",
        "MigrateFunctionName",
    }
