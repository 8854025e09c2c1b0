"""What may stand before and behind the API: a web ACL, a name of its own, RDS Proxy; and a key of the customer's."""

import json
from typing import Any

import pytest

from infra.config import DeploymentConfig
from infra.errors import ConfigError
from infra.zones import check_certificate
from tests.support.synthesis import Synthesis, actions, flat, resources, synthesize

CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d"
OPTIONS = {
    "waf": "enabled",
    "domain_name": "api.example.com",
    "certificate_arn": CERTIFICATE,
    "hosted_zone_id": "Z0123456789ABCDEF",
    "database_proxy": "enabled",
    "customer_key": "enabled",
    "audit_bucket": "enabled",
    "stream": "provisioned",
    "stream_pollers": "1",
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    return synthesize(tmp_path_factory.mktemp("guarded") / "cdk.out", target="aws", **OPTIONS)


def everything(synthesis: Synthesis, kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for file in synthesis.files
        for name, resource in json.loads(file.read_text())["Resources"].items()
        if resource["Type"] == kind
    }


def test_a_web_acl_stands_before_the_stage_where_asked_for(guarded: Synthesis, on_aws: Synthesis) -> None:
    assert not everything(on_aws, "AWS::WAFv2::WebACL")
    acl = guarded.properties("AWS::WAFv2::WebACL")
    assert (acl["Scope"], acl["DefaultAction"]) == ("REGIONAL", {"Allow": {}})
    by_name = {rule["Name"]: rule for rule in acl["Rules"]}
    assert by_name["Rate"]["Action"] == {"Block": {}}
    assert {name for name, rule in by_name.items() if "ManagedRuleGroupStatement" in rule["Statement"]} == {
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    }
    assert not any(rule["VisibilityConfig"]["SampledRequestsEnabled"] for rule in acl["Rules"]), "they hold requests"
    association = guarded.properties("AWS::WAFv2::WebACLAssociation")
    assert "/stages/" in flat(association["ResourceArn"])


def test_a_name_of_its_own_is_the_only_address(guarded: Synthesis) -> None:
    assert guarded.properties("AWS::ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
    domain = guarded.properties("AWS::ApiGateway::DomainName")
    assert (domain["DomainName"], domain["SecurityPolicy"]) == ("api.example.com", "TLS_1_2")
    assert domain["RegionalCertificateArn"] == CERTIFICATE
    assert guarded.outputs("Api")["ApiUrl"] == "https://api.example.com/"
    variables = guarded.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
    assert "API_ROOT_PATH" not in variables, "the stage is not a part of the path"
    record = guarded.properties("AWS::Route53::RecordSet")
    assert (record["Name"], record["Type"]) == ("api.example.com.", "A")


def test_a_certificate_of_another_region_is_refused() -> None:
    deployment = DeploymentConfig.from_context({"target": "aws", **OPTIONS})
    check_certificate(deployment, "eu-central-1")
    check_certificate(deployment, "")
    with pytest.raises(ConfigError, match=r"certificate_arn=.*is of eu-central-1: .* in us-east-1"):
        check_certificate(deployment, "us-east-1")


def test_the_api_alone_reaches_the_database_through_the_proxy(guarded: Synthesis) -> None:
    proxy = guarded.properties("AWS::RDS::DBProxy")
    assert (proxy["DefaultAuthScheme"], proxy["RequireTLS"], "Auth" in proxy) == ("IAM_AUTH", True, False)
    by_function = {
        name: function["Environment"]["Variables"]
        for name, function in everything(guarded, "AWS::Lambda::Function").items()
        if "DATABASE_HOST" in function["Environment"]["Variables"]
    }
    through = {name for name, variables in by_function.items() if variables.get("DATABASE_POOLED") == "true"}
    assert {name[:3] for name in through} == {"Api"}
    [api] = [by_function[name] for name in through]
    assert "Proxy" in flat(api["DATABASE_HOST"])
    assert api["DATABASE_SSL_MODE"] == "verify-full"
    assert not any("Proxy" in flat(v["DATABASE_HOST"]) for name, v in by_function.items() if name not in through)


def test_each_side_of_the_proxy_may_sign_in_as_the_api_only(guarded: Synthesis) -> None:
    connecting = {
        name: [flat(each) for each in resources(statement)]
        for name, statement in guarded.statements()
        if "rds-db:connect" in actions(statement)
    }
    mine = {name: found for name, found in connecting.items() if name.startswith(("Api", "Proxy"))}
    assert len(mine) == 2
    assert all(found[0].endswith("/c360_api") and len(found) == 1 for found in mine.values())


def test_one_key_encrypts_the_buckets_and_the_database(guarded: Synthesis, on_aws: Synthesis) -> None:
    assert not everything(on_aws, "AWS::KMS::Key")
    [(name, key)] = everything(guarded, "AWS::KMS::Key").items()
    assert key["EnableKeyRotation"] is True
    assert name in flat(guarded.outputs("Data")["DataKeyArn"]), "who drops files needs it in their policy"
    assert guarded.template("Data")["Resources"][name]["DeletionPolicy"] == "Retain", "as what it encrypts"
    ways = {
        bucket[:6]: each["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        for bucket, each in everything(guarded, "AWS::S3::Bucket").items()
    }
    assert {
        bucket for bucket, way in ways.items() if way["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    } == {"Access"}, "S3 writes its logs to no other"
    for bucket in ways.keys() - {"Access"}:
        assert name in flat(ways[bucket]["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]), bucket
        assert ways[bucket]["BucketKeyEnabled"] is True
    assert name in flat(guarded.properties("AWS::RDS::DBInstance")["KmsKeyId"])


def test_who_uses_a_bucket_may_use_its_key_and_no_more(guarded: Synthesis) -> None:
    allowed: dict[str, set[str]] = {}
    for file in guarded.files:
        for name, resource in json.loads(file.read_text())["Resources"].items():
            if resource["Type"] != "AWS::IAM::Policy":
                continue
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                used = {action for action in actions(statement) if action.startswith("kms:")}
                if used:
                    allowed.setdefault(name.partition("Role")[0], set()).update(used)
    assert allowed == {
        # reads files, writes manifests of very many and copies of the audit trail
        "Load": {"kms:Decrypt", "kms:GenerateDataKey"},
        "NightlyLoad": {"kms:Decrypt"},  # reads manifests
        "Export": {"kms:Decrypt", "kms:GenerateDataKey"},
        "Stream": {"kms:GenerateDataKey"},  # what its event source gives up
    }
