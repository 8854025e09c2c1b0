"""What starts a load, what reports its failure, and what runs before it."""

import re
from pathlib import Path
from typing import Any

import pytest

from cli.commands.runs import SLA_SECONDS
from infra.constructs.alerts import SLA
from tests.support.synthesis import REPOSITORY, Synthesis, actions, flat, synthesize


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
    assert sorted(flat(target["Arn"])[:12] for target in alerts["Targets"]) == ["AlertTopic27", "RecordStatus"]


def alert_text(synthesis: Synthesis) -> tuple[set[str], list[str]]:
    """Paths into the event that the alert's message reads, and its lines, each as EventBridge takes it: quoted."""
    [transformer] = [
        target["InputTransformer"] for target in rule(synthesis, "Alerts")["Targets"] if "InputTransformer" in target
    ]
    return set(transformer["InputPathsMap"].values()), transformer["InputTemplate"].splitlines()


def test_an_alert_says_what_failed_where_and_what_to_do(either: Synthesis) -> None:
    paths, lines = alert_text(either)
    assert {f"$.detail.{field}" for field in ("name", "status", "error", "cause", "executionArn")} <= paths
    for expected in (
        "the load <detail-name> ended as <detail-status>",
        "What failed: <detail-error>",
        "Why: <detail-cause>",
        "Where: execution <detail-executionArn>",
        "c360 runs",
        "c360 logs load --run <detail-name>",
        "docs/runbook.md, section A load failed",
        "c360 run --resume <detail-name>",
    ):
        assert any(expected in line for line in lines), expected
    # EventBridge takes text as one quoted string a line (user guide, "Input transformation").
    assert all(line.startswith('"') and line.endswith('"') for line in lines)


def test_on_aws_an_alert_links_to_the_console(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    link = "https://<region>.console.aws.amazon.com/states/home?region=<region>#/v2/executions/details/"
    assert any(link in line for line in alert_text(on_aws)[1])
    assert not any("console" in line for line in alert_text(on_localstack)[1])


def test_sections_that_alerts_name_are_in_the_runbook(on_aws: Synthesis) -> None:
    runbook = (REPOSITORY / "docs" / "runbook.md").read_text()
    for text in alert_text(on_aws)[1]:
        for section in re.findall(r"section (A [a-z ]+)", text):
            assert f"\n## {section.strip()}" in runbook, section


def test_a_run_of_more_than_15_minutes_alarms_on_aws(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    alarm = on_aws.properties("AWS::CloudWatch::Alarm", "AlertsLateRun")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/States", "ExecutionTime", "Maximum")
    assert flat(alarm["Dimensions"][0]["Value"]).startswith("NightlyLoad")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (900_000, "GreaterThanThreshold")
    assert alarm["TreatMissingData"] == "notBreaching"
    assert SLA.to_seconds() == SLA_SECONDS, "c360 runs says the same"
    assert not list(on_localstack.resources("AWS::CloudWatch::Alarm"))


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
        bundle.REPOSITORY / "sql",
        *sorted(bundle.REPOSITORY.glob("functions/load/schema/*.py")),
        *sorted(bundle.REPOSITORY.glob("functions/model/**/*.py")),
    )
    [(_, resource)] = on_localstack.resources("AWS::CloudFormation::CustomResource")
    assert resource["Properties"]["SchemaHash"] == expected


def test_outputs_are_the_contracts(either: Synthesis, on_aws: Synthesis) -> None:
    assert set(either.outputs("Pipeline")) == {
        "StateMachineArn",
        "AlertTopicArn",
        "LoadFunctionName",
        "MigrateFunctionName",
        "SchemaOutcome",
    } | ({"LakeBucketName", "ExportFunctionName", "UndeliveredQueueUrl"} if either is on_aws else set())


def test_the_size_from_which_files_are_split_is_an_option(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    def said(synthesis: Synthesis) -> str:
        load = synthesis.properties("AWS::Lambda::Function", "Load")
        return str(load["Environment"]["Variables"]["LANDING_SPLIT_BYTES"])

    assert (said(on_aws), said(on_localstack)) == (str(16 << 20), str(64 << 20))


def test_alerts_are_encrypted_with_a_key_that_all_who_send_them_may_use(tmp_path: Path, on_aws: Synthesis) -> None:
    assert "KmsMasterKeyId" not in on_aws.properties("AWS::SNS::Topic"), "a key costs a dollar a month: by context"
    encrypted = synthesize(tmp_path / "out", target="aws", encrypt_alerts="enabled")
    key = encrypted.properties("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    assert "AlertKey" in flat(encrypted.properties("AWS::SNS::Topic")["KmsMasterKeyId"])
    services = {
        statement["Principal"]["Service"]: set(actions(statement))
        for statement in key["KeyPolicy"]["Statement"]
        if "Service" in statement["Principal"]
    }
    assert services.keys() == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert all({"kms:Decrypt"} < allowed for allowed in services.values())
    publishers = {name for name, each in encrypted.statements() if "sns:Publish" in actions(each)}
    assert publishers == {name for name, each in encrypted.statements() if "kms:GenerateDataKey" in actions(each)}
    assert {name[:11] for name in publishers} == {"NightlyLoad"}
