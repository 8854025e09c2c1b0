"""A failed deployment is explained by the resource that failed, and a database of another version is known as such."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from functions.common.errors import MigrationError
from functions.load.schema.migrate import Migration, migrate, read_migrations
from local.deployment.deploy import _QUICK_WAITS, CdkApp, _reason
from local.errors import LocalError
from local.paths import REPOSITORY
from local.servers.database import ANOTHER_VERSION

RECORDED = """\
C360-Pipeline | 3/6 | 6:47:31 AM | CREATE_FAILED | AWS::CloudFormation::Stack          | C360-Pipeline
C360-Pipeline | 3/6 | 6:47:31 AM | CREATE_FAILED | AWS::Lambda::Permission             | Alerts/Rule/Allow (AlertsRule9)
C360-Pipeline | 3/6 | 6:47:31 AM | CREATE_FAILED | AWS::StepFunctions::StateMachine    | NightlyLoad (NightlyLoad730)
C360-Pipeline | 3/6 | 6:47:31 AM | UPDATE_FAILED | AWS::CloudFormation::CustomResource | Schema/Default (Schema) {words}
"""


@pytest.mark.parametrize(
    "words", ["Reason: a migration was edited (version=2) (log stream 2026/11/24/[$LATEST]5980)", "Reason: none"]
)
def test_what_the_failure_cut_off_does_not_hide_what_failed(words: str) -> None:
    lines = RECORDED.format(words=words).splitlines()
    assert _reason(lines) == f"C360-Pipeline: AWS::CloudFormation::CustomResource Schema/Default (Schema) {words}"


def test_without_any_reason_the_first_failed_resource_is_named() -> None:
    lines = RECORDED.splitlines()[:3]
    assert _reason(lines) == "C360-Pipeline: AWS::Lambda::Permission Alerts/Rule/Allow (AlertsRule9)"


def test_a_database_of_another_version_is_known_by_what_the_migrator_says(database_url: str) -> None:
    first, *others = read_migrations()
    edited = [Migration(first.version, first.name, f"{first.text}\n-- edited"), *others]
    with psycopg.connect(database_url) as connection:
        migrate(connection, {})
        for other in (edited, [first]):
            with pytest.raises(MigrationError) as caught:
                migrate(connection, {}, other)
            assert any(sign in str(caught.value) for sign in ANOTHER_VERSION)


def test_a_machine_without_node_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    app = CdkApp(tmp_path / "out", tmp_path / "home", tmp_path / "log", {}, folder=tmp_path, sources=())
    with pytest.raises(LocalError, match=r"Node\.js is not on the PATH; the CDK command line needs Node 20 or newer"):
        app.synth(lambda _line: None)


def test_the_cdk_asks_localstack_more_often_than_every_five_seconds() -> None:
    cdk = (REPOSITORY / "node_modules" / "aws-cdk" / "lib" / "index.js").read_text(encoding="utf-8")
    assert "async function waitFor(valueProvider, timeout = 5e3)" in cdk, "what quick_waits.cjs shortens"
    script = "const began = Date.now(); setTimeout(() => console.log(Date.now() - began), 5000)"
    options = {"NODE_OPTIONS": f'--require="{_QUICK_WAITS}"'}
    done = subprocess.run(["node", "-e", script], env=os.environ | options, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 3_000
