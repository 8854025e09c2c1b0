"""A wrong option is refused in one line that names it and what it may be."""

import subprocess
import sys

import pytest

from infra.config import DeploymentConfig
from infra.configuration_page import page
from infra.errors import ConfigError
from infra.options import BundlePlatform, DatabaseKind
from infra.zones import check_zones, region_code
from tests.support.synthesis import REPOSITORY

LOCAL = {"target": "localstack", "database_host": "127.0.0.1"}
MANAGED = {"target": "localstack", "localstack_managed": "true"}
SERVER = {
    "target": "aws", "database_secret": "shop/db", "vpc": "vpc-01234567",
    "vpc_subnets": "subnet-01234567,subnet-12345678",
}  # fmt: skip
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"
QUICKSIGHT = "arn:aws:quicksight:us-east-1:123456789012:user/default/someone"
TOKENS = {"target": "aws", "jwt_issuer": "https://i.example", "jwt_audience": "shop"}


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({}, "target is not set: pass -c target=aws or -c target=localstack"),
        ({"target": "azure"}, "target=azure: pass -c target=aws or -c target=localstack"),
        ({"target": "aws", "shedule": "disabled"}, "unknown context key 'shedule': known are alert_email, "),
        ({"target": "aws", "schedule": "perhaps"}, "schedule=perhaps: use enabled or disabled"),
        ({"target": "aws", "database": "mysql"}, "database=mysql: use external or rds or aurora"),
        ({"target": "aws", "database": "external"}, "database=external needs database_secret: "),
        ({"target": "aws", "database_secret": "shop/db"}, "database=external on target=aws needs vpc and vpc_subnets"),
        ({"target": "aws", "database": "rds", "database_secret": "shop/db"}, "database_secret and database=rds: "),
        ({"target": "aws", "database_host": "db.example"}, "database_host and database=rds: it is of a server that"),
        ({"target": "aws", "database_security_group": "sg-01234567"}, "database_security_group and database=rds"),
        (SERVER | {"quicksight_principal": QUICKSIGHT}, "quicksight_principal and database=external"),
        (SERVER | {"database_logs": "enabled"}, "database_logs and database=external"),
        (SERVER | {"database_proxy": "enabled"}, "database_proxy and database=external: it is not ours"),
        (SERVER | {"database_access": "tunnel"}, "database_access=tunnel and database=external"),
        (SERVER | {"zones": "use1-az1,use1-az2"}, "zones and vpc: "),
        ({"target": "aws", "vpc": "vpc-01234567"}, "vpc needs vpc_subnets: two different subnets"),
        (SERVER | {"vpc_subnets": "subnet-01234567,subnet-01234567"}, "vpc needs vpc_subnets: two different"),
        ({"target": "aws", "vpc": "mine"}, "vpc=mine: "),
        ({"target": "aws", "vpc_subnets": "subnet-01234567,subnet-12345678"}, "vpc_subnets without vpc"),
        ({"target": "aws", "database": "aurora", "database_proxy": "enabled"}, "would never let Aurora pause"),
        ({"target": "aws", "database_access": "data-api"}, "only Aurora has the Data API"),
        ({"target": "aws", "database_access": "ssh"}, "database_access=ssh: use none or tunnel or data-api"),
        ({"target": "aws", "domain_name": "api.example.com"}, "domain_name needs certificate_arn"),
        ({"target": "aws", "certificate_arn": CERTIFICATE}, "certificate_arn without domain_name"),
        ({"target": "aws", "hosted_zone_id": "Z012"}, "hosted_zone_id without domain_name"),
        ({"target": "aws", "domain_name": "https://api"}, "domain_name=https://api: "),
        ({"target": "aws", "localstack_managed": "true"}, "localstack_managed does not fit target=aws"),
        (LOCAL | {"localstack_managed": "true"}, "localstack_managed with database_host or database_secret"),
        (
            MANAGED | {"stream": "external"},
            "stream=external does not fit target=localstack: use disabled or provisioned",
        ),
        (MANAGED | {"database": "aurora"}, "database=aurora does not fit target=localstack: use rds"),
        (MANAGED | {"stream_pollers": "1"}, "localstack_managed with stream_pollers"),
        (LOCAL | {"waf": "enabled"}, "waf does not fit target=localstack: it is on AWS only"),
        (LOCAL | {"customer_key": "enabled"}, "customer_key does not fit target=localstack"),
        (LOCAL | {"database_access": "tunnel"}, "database_access does not fit target=localstack"),
        ({"target": "aws", "staging_concurrency": "41"}, "staging_concurrency=41: "),
        (LOCAL | {"database": "rds"}, "does not fit target=localstack: use external"),
        ({"target": "localstack"}, "database_host is missing"),
        (LOCAL | {"database_port": "0"}, "database_port=0: input should be greater than or equal to 1"),
        ({"target": "aws", "budget": "cheap"}, "budget=cheap: input should be a valid number"),
        ({"target": "aws", "alert_email": "nobody"}, "alert_email=nobody: "),
        ({"target": "aws", "cors_origins": "shop.example"}, "cors_origins=shop.example: "),
        ({"target": "aws", "prefix": "9lives"}, "prefix=9lives: "),
        ({"target": "aws", "zones": "us-east-1a,us-east-1b"}, "zones=us-east-1a: give ids, such as use1-az1"),
        ({"target": "aws", "zones": "use1-az1"}, "zones=use1-az1: name two different zones"),
        ({"target": "aws", "zones": "use1-az1,use1-az1"}, "name two different zones"),
        (TOKENS | {"jwt_jwks": "{"}, "jwt_jwks is no JSON Web Key Set"),
        (TOKENS | {"jwt_jwks": '{"keys": []}'}, "jwt_jwks is no JSON Web Key Set"),
        (TOKENS | {"jwt_jwks": "x" * 2_501}, "jwt_jwks has 2501 bytes, and 2500 are what Lambda's environment"),
        (TOKENS | {"jwt_jwks": "{}", "jwt_jwks_url": "https://i.example/keys"}, "name one of the two"),
        (TOKENS | {"jwt_jwks_url": "http://i.example/keys"}, "jwt_jwks_url=http://i.example/keys: "),
        ({"target": "aws", "api_key": "disabled"}, "api_key=disabled without jwt_issuer: everybody on the internet"),
        ({"target": "aws", "api_open_scopes": "everything"}, "api_open_scopes=everything: "),
        ({"target": "aws", "api_open_scopes": ""}, "api_open_scopes="),
        ({"target": "aws", "jwt_issuer": "https://i.example"}, "jwt_issuer needs jwt_audience"),
        (LOCAL | {"zones": "use1-az1,use1-az2"}, "on target=aws only"),
    ],
)
def test_a_wrong_option_is_named_with_what_it_may_be(context: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        DeploymentConfig.from_context(context)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_on_aws_nobody_calls_the_api_without_a_key_or_a_token() -> None:
    with pytest.raises(ConfigError, match="api_key=disabled without jwt_issuer"):
        DeploymentConfig.from_context({"target": "aws", "api_key": "disabled"})
    tokens = {"jwt_issuer": "https://issuer.example", "jwt_audience": "shop"}
    assert not DeploymentConfig.from_context({"target": "aws", "api_key": "disabled", **tokens}).api_key


def test_the_cdks_own_context_keys_are_left_alone() -> None:
    DeploymentConfig.from_context({"target": "aws", "@aws-cdk/core:x": True, "aws:cdk:y": [], "cli-telemetry": False})


@pytest.mark.parametrize(
    ("region", "code"),
    [
        ("us-east-1", "use1"),
        ("eu-central-1", "euc1"),
        ("ap-northeast-3", "apne3"),
        ("us-gov-west-1", "usgw1"),
        ("cn-north-1", "cnn1"),
    ],
)
def test_ids_of_zones_start_with_their_regions_code(region: str, code: str) -> None:
    assert region_code(region) == code


@pytest.mark.parametrize(
    ("context", "region", "said"),
    [
        ({"stream": "provisioned", "zones": "use1-az2,use1-az3"}, "us-east-1", "MSK has no brokers in use1-az3"),
        ({"stream": "serverless", "zones": "use1-az3,use1-az2"}, "", "MSK has no brokers in use1-az3"),
        ({"stream": "provisioned"}, "us-east-1", "needs zones, two of them by id, .*-c zones=use1-az1,use1-az2"),
        ({"zones": "use1-az1,use1-az2"}, "eu-west-1", "use1-az1 is not in eu-west-1"),
    ],
)
def test_zones_that_cannot_hold_the_deployment_are_refused(context: dict[str, str], region: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        check_zones(DeploymentConfig.from_context({"target": "aws", **context}), region)
    assert "\n" not in str(error.value)


def test_zones_that_can_hold_the_deployment_are_taken() -> None:
    for context, region in (
        ({"stream": "provisioned", "zones": "use1-az1,use1-az2"}, "us-east-1"),
        ({"zones": "use1-az3,use1-az2"}, "us-east-1"),
        ({"stream": "provisioned"}, "eu-central-1"),
        ({}, "us-east-1"),
    ):
        check_zones(DeploymentConfig.from_context({"target": "aws", **context}), region)


def test_defaults_follow_the_target() -> None:
    aws, local = DeploymentConfig.from_context({"target": "aws"}), DeploymentConfig.from_context(LOCAL)
    assert (aws.database, aws.api_key, aws.bundle_platform) == (DatabaseKind.RDS, True, BundlePlatform.LAMBDA)
    assert (local.database, local.api_key) == (DatabaseKind.EXTERNAL, False)
    assert local.bundle_platform is BundlePlatform.HOST
    for deployment in (aws, local):
        assert deployment.schedule
        assert not deployment.on_arrival


def test_the_entry_prints_one_line_and_fails() -> None:
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=REPOSITORY, env={"CDK_CONTEXT_JSON": "{}", "PATH": "/usr/bin:/usr/local/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "!!" not in line]
    assert lines == ["error: target is not set: pass -c target=aws or -c target=localstack"]


def test_the_entry_asks_for_zones_in_the_region_that_the_cdk_names() -> None:
    context = '{"target": "aws", "stream": "provisioned"}'
    environment = {
        "CDK_CONTEXT_JSON": context, "CDK_DEFAULT_REGION": "us-east-1", "PATH": "/usr/bin:/usr/local/bin",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "error: stream=provisioned in us-east-1 needs zones" in done.stderr


def test_the_page_of_all_options_is_up_to_date() -> None:
    written = (REPOSITORY / "docs" / "configuration.md").read_text("utf-8")
    assert written == page(), "run `.venv/bin/python -m infra.configuration_page > docs/configuration.md`"


def test_the_page_names_every_option_once_with_its_default() -> None:
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("| `")]
    assert [row[0].strip("| `") for row in rows] == list(DeploymentConfig.model_fields)
    defaults = {row[0].strip("| `"): row[2] for row in rows}
    assert (defaults["target"], defaults["schedule"], defaults["alert_email"]) == ("required", "`enabled`", "none")
    assert defaults["lake"] == "aws: `enabled`, localstack: `disabled`"
