"""The custom resource that migrates: CloudFormation always gets its answer, in the shape that AWS documents."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import psycopg
import pytest
from moto import mock_aws
from psycopg.conninfo import make_conninfo

from functions.load.schema.migrate import ROLES, Migration, migrate, read_migrations
from functions.load.schema.migrate_handler import handle
from local.processes import free_port
from tests.support.custom_resource import CREATE, Answers, listening
from tests.support.lambda_context import lambda_context
from tests.support.night import prepare
from tests.support.waking_server import waking

NAMES = ",".join(migration.name for migration in read_migrations())


class CloudFormation:
    """Asks the handler, and keeps what it answers."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def send(self, request_type: str, **more: Any) -> dict[str, Any]:
        """Send a request to the handler; the answer that arrived."""
        event = {**CREATE, "RequestType": request_type, "ResponseURL": self._answers.url, **more}
        returned = handle(event, lambda_context())
        (answer,) = self._answers.got
        assert returned == answer
        self._answers.got.clear()
        return answer


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    with listening() as answers:
        yield CloudFormation(answers)


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The function's environment: an empty database, and a secret for each role."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("DATABASE_URL", database_url)
    with mock_aws():
        secrets = boto3.client("secretsmanager")
        arns = {
            role: secrets.create_secret(
                Name=role, SecretString=json.dumps({"username": role, "password": f"of '{role}"})
            )["ARN"]
            for role in ROLES
        }
        monkeypatch.setenv("DATABASE_ROLE_SECRETS", json.dumps(arns))
        yield database_url
    prepare(database_url)  # roles belong to the server, which other tests use too


def test_create_migrates_and_update_finds_nothing_to_do(cloudformation: CloudFormation, environment: str) -> None:
    assert cloudformation.send("Create") == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "c360-schema",
        "StackId": CREATE["StackId"],
        "RequestId": CREATE["RequestId"],
        "LogicalResourceId": "Schema",
        "Data": {"Applied": NAMES, "Outcome": f"up to date, {len(read_migrations())} migrations applied"},
    }
    updated = cloudformation.send("Update", PhysicalResourceId="c360-schema")
    assert (updated["Status"], updated["PhysicalResourceId"], updated["Data"]) == (
        "SUCCESS",
        "c360-schema",
        {"Applied": "", "Outcome": "up to date, 0 migrations applied"},
    )


@pytest.fixture
def newer(cloudformation: CloudFormation, environment: str) -> Iterator[str]:
    """The database after a newer release has migrated it; its URL."""
    cloudformation.send("Create")
    known = read_migrations()
    added = Migration(len(known) + 1, "more", "create table business_vault.more (n int)")
    with psycopg.connect(environment) as connection:
        migrate(connection, dict.fromkeys(ROLES, "of the newer release"), [*known, added])
    yield environment
    with psycopg.connect(environment) as connection:
        connection.execute("delete from metadata.migration where version > %s", (len(known),))


@pytest.mark.usefixtures("environment")
def test_a_request_that_cloudformation_sends_twice_gets_the_same_answer(cloudformation: CloudFormation) -> None:
    """Lambda invokes asynchronously, at least once; of two Creates the second finds nothing to do."""
    first, second = cloudformation.send("Create"), cloudformation.send("Create")
    assert (first["Status"], second["Status"]) == ("SUCCESS", "SUCCESS")
    same = ("PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId")
    assert [first[field] for field in same] == [second[field] for field in same]


@pytest.mark.usefixtures("environment")
def test_an_update_from_and_to_any_properties_keeps_the_resource_and_its_data(cloudformation: CloudFormation) -> None:
    """A rollback sends the old properties as the new ones: the hash of a release that never came to be among them."""
    created = cloudformation.send("Create", ResourceProperties={"ServiceToken": "arn", "SchemaHash": "of the first"})
    for old, new in (("of the first", "of the second"), ("of the second", "of the first"), ("", "of the first")):
        updated = cloudformation.send(
            "Update",
            PhysicalResourceId=created["PhysicalResourceId"],
            OldResourceProperties={"ServiceToken": "arn", **({"SchemaHash": old} if old else {})},
            ResourceProperties={"ServiceToken": "arn", "SchemaHash": new},
        )
        assert updated["Status"] == "SUCCESS", updated
        # with another id, CloudFormation would delete the one before
        assert updated["PhysicalResourceId"] == created["PhysicalResourceId"]


def test_going_back_after_a_migration_leaves_the_newer_database_alone_and_says_so(
    cloudformation: CloudFormation, newer: str
) -> None:
    """What CloudFormation sends when a deployment fails after its migrations: an Update, to the former code."""

    def state() -> Any:
        with psycopg.connect(newer) as connection:
            return connection.execute(
                "select (select max(version) from metadata.migration),"
                " (select array_agg(xmin::text) from metadata.column_class),"
                " (select array_agg(xmin::text) from pg_namespace where nspname = 'masked')"
            ).fetchone()

    before = state()
    former = {**CREATE["ResourceProperties"], "SchemaHash": "of the newer release"}
    answer = cloudformation.send("Update", PhysicalResourceId="c360-schema", OldResourceProperties=former)
    assert (answer["Status"], answer["PhysicalResourceId"], answer["Data"]["Applied"]) == ("SUCCESS", "c360-schema", "")
    version = len(read_migrations()) + 1
    assert answer["Data"]["Outcome"] == (
        f"left alone: the database was migrated by a newer release of this software (version={version});"
        " docs/runbook.md, section A stack is stuck"
    )
    assert state() == before
    with psycopg.connect(make_conninfo(newer, user="c360_api", password="of the newer release")):
        pass  # nor are its roles given the passwords of the former release


def test_a_stack_that_is_made_anew_by_older_code_is_refused(cloudformation: CloudFormation, newer: str) -> None:
    answer = cloudformation.send("Create")
    assert answer["Status"] == "FAILED"
    assert "newer release" in answer["Reason"]


def test_each_role_signs_in_with_the_password_of_its_secret(cloudformation: CloudFormation, environment: str) -> None:
    cloudformation.send("Create")
    for role in ROLES:
        with psycopg.connect(make_conninfo(environment, user=role, password=f"of '{role}")) as connection:
            assert connection.execute("select current_user").fetchone() == (role,)


def test_a_failure_is_reported_with_its_reason(
    cloudformation: CloudFormation, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:hunter2@127.0.0.1:{free_port()}/c360")
    answer = cloudformation.send("Create")
    assert answer["Status"] == "FAILED"
    assert "cannot connect to PostgreSQL" in answer["Reason"]
    assert "[$LATEST]stream" in answer["Reason"]
    assert "hunter2" not in answer["Reason"]


def test_a_paused_database_is_waited_for(
    cloudformation: CloudFormation, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(environment) as connection:
        port = connection.info.port
    with waking(port, 8, silent=False) as waking_port:
        monkeypatch.setenv("DATABASE_URL", make_conninfo(environment, port=waking_port))
        monkeypatch.setenv("DATABASE_WAKE_SECONDS", "300")
        assert cloudformation.send("Create")["Status"] == "SUCCESS"


def test_a_failure_of_any_kind_is_reported(
    cloudformation: CloudFormation, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_ROLE_SECRETS", json.dumps(dict.fromkeys(ROLES, "no-such-secret")))
    assert cloudformation.send("Update", PhysicalResourceId="kept")["Status"] == "FAILED"
    monkeypatch.setenv("DATABASE_ROLE_SECRETS", "{")
    answer = cloudformation.send("Update", PhysicalResourceId="kept")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "kept")
    assert "DATABASE_ROLE_SECRETS" in answer["Reason"]


def test_delete_leaves_the_data_alone_even_without_a_database(
    cloudformation: CloudFormation, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudformation.send("Create")
    with psycopg.connect(environment) as connection:
        before = connection.execute("select count(*) from pg_tables where schemaname = 'raw_vault'").fetchone()
    assert cloudformation.send("Delete", PhysicalResourceId="c360-schema")["Status"] == "SUCCESS"
    with psycopg.connect(environment) as connection:
        after = connection.execute("select count(*) from pg_tables where schemaname = 'raw_vault'").fetchone()
    assert after == before != (0,)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://127.0.0.1:{free_port()}/c360")
    assert cloudformation.send("Delete", PhysicalResourceId="c360-schema")["Status"] == "SUCCESS"


def test_outside_cloudformation_it_migrates_and_tells_what_it_applied(environment: str) -> None:
    assert handle({}, lambda_context()) == {"applied": NAMES.split(",")}
