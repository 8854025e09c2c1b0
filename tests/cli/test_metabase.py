"""c360 metabase provision, from the deployment's outputs and secret to the addresses that it prints."""

from collections.abc import Callable
from urllib.parse import urlsplit

import boto3
import pytest
from moto import mock_aws

from cli.deployment import Deployment
from tests.support.command_line import C360
from tests.support.metabase_server import metabase_server
from tests.support.night import ROLE_PASSWORD, prepare


def test_the_role_and_its_password_come_from_the_deployment(
    c360: C360, deploy: Callable[..., Deployment], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_METABASE_PASSWORD", "correct-horse-7")
    prepare(database_url)
    parts = urlsplit(database_url)
    with mock_aws(), metabase_server() as metabase:
        client = boto3.client("secretsmanager", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        secret = client.create_secret(Name="bi", SecretString=f'{{"password": "{ROLE_PASSWORD}"}}')
        deploy().__dict__["stack_outputs"] = {
            "BiSecretArn": secret["ARN"],
            "DatabaseHost": parts.hostname,
            "DatabasePort": str(parts.port),
            "DatabaseName": parts.path[1:],
        }
        arguments = ("metabase", "provision", "--url", metabase.url, "--email", "you@example.com", "--json")
        first, again = (c360(*arguments) for _ in range(2))
    assert first.status == again.status == 0, first.stderr + again.stderr
    assert first.json["administrator_created"]
    assert first.json["cards_created"] == again.json["cards_updated"] > 0
    assert first.json["public_url"] == again.json["public_url"]
    [database] = metabase.databases.values()
    assert database["details"]["user"] == "c360_bi"


def test_without_a_password_for_the_role_a_database_must_be_named(
    c360: C360, deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_METABASE_PASSWORD", "correct-horse-7")
    deploy().__dict__["stack_outputs"] = {}
    finished = c360("metabase", "provision", "--email", "you@example.com", "--json")
    assert finished.status == 1
    assert "--database-url" in finished.json["error"]["message"]
