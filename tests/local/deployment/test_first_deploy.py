"""What stops a first deploy has one clear line, and a row of docs/deploy-aws.md that says what to do."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from cli.errors import translated
from local.deployment.access_key import AccessKey
from local.deployment.deploy import CdkApp, _reason
from local.errors import LocalError
from local.paths import CDK, REPOSITORY

BEFORE_BOOTSTRAP = AccessKey("111122223333", "test")
"""An account of LocalStack's that nobody has used."""


def ways_out(line: str) -> list[str]:
    """What the guide says to do about it: the rows whose words, with anything in place of an ellipsis, are in it."""
    guide = (REPOSITORY / "docs" / "deploy-aws.md").read_text(encoding="utf-8")
    table = guide.partition("## When a command fails")[2].partition("\n## ")[0]
    found = []
    for row in table.splitlines():
        says, _, do = row.removeprefix("| ").partition(" | ")
        for words in re.findall(r"`([^`]+)`", says):
            parts = [part.strip() for part in words.split("…") if part.strip()]
            if re.search(".*".join(map(re.escape, parts)), line):
                found.append(do)
    return found


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """A synthesized app of one stack, as the CDK writes it for an account that it does not know at synthesis."""
    folder = tmp_path / "out"
    folder.mkdir()
    version = {"requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/c360/version"}
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "template.json", "stackName": "C360-Data", **version},
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"C360-Data": artifact}}))
    (folder / "template.json").write_text(json.dumps({"Resources": {"Any": {"Type": "AWS::SNS::Topic"}}}))
    return folder


def test_an_account_that_is_not_bootstrapped(localstack: str, assembly: Path, tmp_path: Path) -> None:
    app = CdkApp(assembly, tmp_path / "home", tmp_path / "log", {}, BEFORE_BOOTSTRAP, folder=tmp_path)
    with pytest.raises(LocalError) as caught:
        app.deploy(localstack, lambda _line: None)
    line = translated(caught.value).message
    assert "Has the environment been bootstrapped?" in line
    assert "\n" not in line
    [do] = ways_out(line)
    assert "npx cdk bootstrap" in do


def test_no_credentials(assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(tmp_path),
        "CDK_HOME": str(tmp_path),
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    command = [str(CDK), "deploy", "--app", str(assembly), "--all", "--no-notices", "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    line = _reason((done.stdout + done.stderr).splitlines())
    assert line.startswith("Unable to resolve AWS account to use")
    [do] = ways_out(line)
    assert "aws sso login" in do


RESERVED = (
    "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its"
    " minimum value of [100]. (Service: Lambda, Status Code: 400)"
)


@pytest.mark.parametrize(
    ("resource", "message", "code", "todo"),
    [
        ("AWS::EC2::VPC", "The maximum number of VPCs has been reached.", "ServiceLimitExceeded", "Service Quotas"),
        ("AWS::Lambda::Function", RESERVED, "InvalidRequest", "leave it out"),
    ],
)
def test_a_quota_that_is_reached(resource: str, message: str, code: str, todo: str) -> None:
    """In CloudFormation's words, as the CDK shows a stack's events: no quota is reached on LocalStack."""
    words = f'Resource handler returned message: "{message}" (RequestToken: 81aa, HandlerErrorCode: {code})'
    events = [
        "C360-Data | 1/9 | 6:47:31 AM | CREATE_IN_PROGRESS   | AWS::SNS::Topic | Topic (Topic1)",
        f"C360-Data | 1/9 | 6:47:33 AM | CREATE_FAILED        | {resource} | Some/Thing (Thing2) {words}",
        "C360-Data | 1/9 | 6:47:34 AM | CREATE_FAILED        | AWS::SNS::Topic | Topic (Topic1) creation cancelled",
        "C360-Data | 1/9 | 6:47:35 AM | ROLLBACK_IN_PROGRESS | AWS::CloudFormation::Stack | C360-Data The following",
    ]
    line = _reason(events)
    assert line == f"C360-Data: {resource} Some/Thing (Thing2) {words}"
    assert any(todo in do for do in ways_out(line))
