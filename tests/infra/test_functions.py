"""Each function runs the right handler as the right database role, on the right machine."""

import platform
from pathlib import Path

import psycopg

from functions.load.schema.migrate import migrate
from infra.constructs.bundle import CERTIFICATES
from local.servers.postgres import PostgresServer
from tests.support.database import fresh_database
from tests.support.synthesis import REPOSITORY, Synthesis, flat, synthesize

HANDLERS = {
    "Migrate": ("functions.load.schema.migrate_handler.handle", "c360_admin"),
    "Load": ("functions.load.handler.handle", "c360_loader"),
    "RecordStatus": ("functions.load.plan.run_end_handler.handle", "c360_loader"),
    "Export": ("functions.load.lake.export_handler.handle", "c360_loader"),
    "Api": ("functions.api.handler.handle", "c360_api"),
}


def handlers(synthesis: Synthesis) -> dict[str, tuple[str, str]]:
    """HANDLERS, without the export where the lake is off."""
    there = {name for name, _ in synthesis.resources("AWS::Lambda::Function")}
    return {name: handler for name, handler in HANDLERS.items() if any(each.startswith(name) for each in there)}


def test_handlers_and_database_roles_are_the_contracts(either: Synthesis, on_localstack: Synthesis) -> None:
    functions = list(either.resources("AWS::Lambda::Function"))
    expected = handlers(either)
    assert len(functions) == len(expected) == len(HANDLERS) - (1 if either is on_localstack else 0)
    for name, (handler, user) in expected.items():
        function = either.properties("AWS::Lambda::Function", name)
        variables = function["Environment"]["Variables"]
        assert function["Handler"] == handler
        assert function["Runtime"] == "python3.13"
        if name == "Migrate" and either is on_localstack:
            assert variables["DATABASE_USER"] == (
                "{{resolve:secretsmanager:c360/database/admin:SecretString:username::}}"
            )
        else:
            assert variables["DATABASE_USER"] == user


def test_on_aws_functions_sign_in_with_iam_and_verify_the_server(on_aws: Synthesis) -> None:
    for name in HANDLERS:
        function = on_aws.properties("AWS::Lambda::Function", name)
        variables = function["Environment"]["Variables"]
        assert function["Architectures"] == ["arm64"]
        assert variables["DATABASE_AUTH"] == "iam"
        assert "DATABASE_SECRET_ARN" not in variables
        assert variables["DATABASE_SSL_MODE"] == "verify-full"
        assert variables["DATABASE_SSL_ROOT_CERT"] == f"/var/task/{CERTIFICATES}"


def test_no_function_has_layers_which_count_to_what_lambda_takes(either: Synthesis) -> None:
    """The size of the bundle is checked; with layers, that would not be the whole."""
    assert not [
        name for name, function in either.resources("AWS::Lambda::Function") if "Layers" in function["Properties"]
    ]


def test_only_the_export_carries_pandas(on_aws: Synthesis) -> None:
    keys = {
        name: flat(function["Properties"]["Code"]["S3Key"])
        for name, function in on_aws.resources("AWS::Lambda::Function")
    }
    [exports] = {key for name, key in keys.items() if name.startswith("Export")}
    [shared] = {key for name, key in keys.items() if not name.startswith("Export")}
    assert exports != shared


def test_on_localstack_functions_sign_in_with_their_roles_secret(on_localstack: Synthesis) -> None:
    for name in handlers(on_localstack):
        function = on_localstack.properties("AWS::Lambda::Function", name)
        variables = function["Environment"]["Variables"]
        assert "VpcConfig" not in function
        assert function["Architectures"] == ["arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"]
        assert (variables["DATABASE_HOST"], variables["DATABASE_PORT"]) == ("127.0.0.1", "5433")
        assert variables["DATABASE_AUTH"] == "secret"
        assert variables["DATABASE_SSL_MODE"] == "disable"
        if name != "Migrate":
            role = variables["DATABASE_USER"].removeprefix("c360_").capitalize()
            assert f"Database{role}Secret" in flat(variables["DATABASE_SECRET_ARN"])


def test_functions_encrypt_as_an_existing_server_asks_for(tmp_path: Path) -> None:
    tls = {"database_ssl_mode": "verify-full", "database_ssl_root_cert": "/etc/authority.pem"}
    synthesis = synthesize(tmp_path / "out", target="localstack", database_host="db.example", **tls)
    for name in handlers(synthesis):
        variables = synthesis.properties("AWS::Lambda::Function", name)["Environment"]["Variables"]
        assert variables["DATABASE_SSL_MODE"] == "verify-full"
        assert variables["DATABASE_SSL_ROOT_CERT"] == "/etc/authority.pem"


CONNECTIONS_OF_THE_SMALLEST = 112 - 5
"""A db.t4g.micro's, less those reserved for RDS and its superuser."""


def test_functions_run_no_more_at_once_than_the_database_has_connections_for(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    most = {"reserved_concurrency": "enabled", "staging_concurrency": "40"}
    whole = synthesize(tmp_path / "out", target="aws", stream="provisioned", **most)
    needed: dict[str, int] = {}
    for stack in ("Pipeline", "Api", "Stream"):
        for resource in whole.template(stack)["Resources"].values():
            variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
            if "DATABASE_USER" in variables:
                each = int(variables.get("DATABASE_CONNECTIONS", "1"))
                user = variables["DATABASE_USER"]
                needed[user] = needed.get(user, 0) + each * resource["Properties"]["ReservedConcurrentExecutions"]
    assert set(needed) == {"c360_admin", "c360_loader", "c360_api", "c360_stream"}
    assert sum(needed.values()) < CONNECTIONS_OF_THE_SMALLEST, "and some for BI"
    with fresh_database(postgres_server) as url, psycopg.connect(url) as connection:
        migrate(connection, {})
        rows = connection.execute("select rolname, rolconnlimit from pg_roles where rolname like 'c360%'").fetchall()
    limits: dict[str, int] = dict(rows)
    for user in needed.keys() - {"c360_admin"}:
        assert needed[user] <= limits[user], user
    states = whole.state_machine()["States"]
    load = whole.properties("AWS::Lambda::Function", "Load")["ReservedConcurrentExecutions"]
    assert states["StageFiles"]["MaxConcurrency"] <= load - 1


QUOTA_OF_A_NEW_ACCOUNT = 10
KEPT_UNRESERVED = 100
"""By Lambda ("Configuring reserved concurrency")."""


def test_the_first_deploy_fits_the_quota_of_a_new_account(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    for synthesis in (on_aws, on_localstack):
        for name, function in synthesis.resources("AWS::Lambda::Function"):
            assert "ReservedConcurrentExecutions" not in function["Properties"], name
    at_once = on_aws.state_machine()["States"]["StageFiles"]["MaxConcurrency"]
    assert 1 < at_once < QUOTA_OF_A_NEW_ACCOUNT, "and some for the API"


def test_the_quota_that_reserving_needs_is_the_documented_one(tmp_path: Path) -> None:
    reserving = synthesize(tmp_path / "out", target="aws", stream="provisioned", reserved_concurrency="enabled")
    reserved = sum(
        resource["Properties"].get("ReservedConcurrentExecutions", 0)
        for stack in ("Pipeline", "Api", "Stream")
        for resource in reserving.template(stack)["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    )
    said = f"needs a quota of {reserved + KEPT_UNRESERVED}"
    assert said in (REPOSITORY / "docs" / "deploy-aws.md").read_text("utf-8"), said


def test_logs_are_kept_for_a_month_on_aws(on_aws: Synthesis) -> None:
    groups = dict(on_aws.resources("AWS::Logs::LogGroup"))
    assert len(groups) == len(HANDLERS) + 2  # the state machine's and the API's
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {30}
    for name in HANDLERS:
        logging = on_aws.properties("AWS::Lambda::Function", name)["LoggingConfig"]
        assert flat(logging["LogGroup"]).startswith(f"{name}Log")


def test_no_environment_variable_holds_a_secret(either: Synthesis) -> None:
    for name, function in either.resources("AWS::Lambda::Function"):
        for variable, value in function["Properties"]["Environment"]["Variables"].items():
            text = flat(value).lower()
            assert ":secretstring:password" not in text, f"{name}.{variable}"
            assert "password" not in variable.lower(), f"{name}.{variable}"
            if "{{resolve:secretsmanager" in text:
                assert text.endswith(":secretstring:username::}}"), f"{name}.{variable}"
