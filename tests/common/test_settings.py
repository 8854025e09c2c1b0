"""Settings come from the environment: what is missing or wrong is named, and values are never shown."""

import pytest

from functions.common.errors import SettingsError
from functions.common.settings import DatabaseSettings, LandingSettings, MigrateSettings

COMPLETE = {
    "DATABASE_HOST": "db.example",
    "DATABASE_USER": "c360_loader",
    "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:loader",
}


def test_a_complete_environment_is_parsed() -> None:
    settings = DatabaseSettings.from_environment({**COMPLETE, "DATABASE_PORT": "5433", "UNRELATED": "x"})
    assert (settings.database_host, settings.database_port, settings.database_name) == ("db.example", 5433, "c360")
    assert settings.database_ssl_mode == "verify-full"


@pytest.mark.parametrize("missing", COMPLETE)
def test_a_missing_variable_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        DatabaseSettings.from_environment({name: value for name, value in COMPLETE.items() if name != missing})


def test_an_empty_variable_is_a_missing_one() -> None:
    with pytest.raises(SettingsError, match="DATABASE_HOST"):
        DatabaseSettings.from_environment({**COMPLETE, "DATABASE_HOST": ""})


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        DatabaseSettings.from_environment({})
    assert all(name in str(raised.value) for name in COMPLETE)


def test_a_missing_variable_is_named_beside_a_wrong_one() -> None:
    with pytest.raises(SettingsError) as raised:
        DatabaseSettings.from_environment({"DATABASE_PORT": "0", "DATABASE_HOST": "db.example"})
    assert all(name in str(raised.value) for name in ("DATABASE_PORT", "DATABASE_USER", "DATABASE_SECRET_ARN"))


def test_no_secret_is_needed_where_iam_signs_in() -> None:
    environment = {"DATABASE_HOST": "db.example", "DATABASE_USER": "c360_api", "DATABASE_AUTH": "iam"}
    assert DatabaseSettings.from_environment(environment).database_auth == "iam"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_PORT", "hunter2"),
        ("DATABASE_PORT", "70777"),
        ("DATABASE_AUTH", "hunter2"),
        ("DATABASE_SSL_MODE", "hunter2"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as raised:
        DatabaseSettings.from_environment({**COMPLETE, name: value})
    assert value not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__, "a traceback would print the value"


def test_the_address_with_its_password_is_in_no_representation() -> None:
    settings = DatabaseSettings.from_environment({"DATABASE_URL": "postgresql://me:hunter2@db.example/c360"})
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_the_landing_bucket_is_needed() -> None:
    with pytest.raises(SettingsError, match="LANDING_BUCKET"):
        LandingSettings.from_environment({})


def test_role_secrets_are_json_and_empty_where_there_are_none() -> None:
    assert MigrateSettings.from_environment({}).database_role_secrets == {}
    given = MigrateSettings.from_environment({"DATABASE_ROLE_SECRETS": '{"c360_api": "arn:1"}'})
    assert given.database_role_secrets == {"c360_api": "arn:1"}


@pytest.mark.parametrize("wrong", ["{hunter2", '["hunter2"]', '{"c360_api": {"password": "hunter2"}}'])
def test_role_secrets_that_are_no_such_json_are_named_and_not_shown(wrong: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_ROLE_SECRETS") as raised:
        MigrateSettings.from_environment({"DATABASE_ROLE_SECRETS": wrong})
    assert "hunter2" not in str(raised.value)
