"""The API is reachable by the applications it is for, and by no more than they need."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from functions.api.security.public_paths import PUBLIC
from infra.config import DeploymentConfig
from infra.errors import ConfigError
from tests.support.synthesis import Synthesis, actions, flat, resources, synthesize


def methods(synthesis: Synthesis, verb: str) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for _, resource in synthesis.resources("AWS::ApiGateway::Method")
        if resource["Properties"]["HttpMethod"] == verb
    ]


def by_path(synthesis: Synthesis, verb: str) -> dict[str, dict[str, Any]]:
    """The methods of this verb by the path that they are below."""
    resources = {name: each["Properties"] for name, each in synthesis.resources("AWS::ApiGateway::Resource")}

    def path(resource_id: dict[str, Any]) -> str:
        if "Ref" not in resource_id:
            return ""
        resource = resources[resource_id["Ref"]]
        return f"{path(resource['ParentId'])}/{resource['PathPart']}"

    return {path(method["ResourceId"]) or "/": method for method in methods(synthesis, verb)}


def reference(synthesis: Synthesis, kind: str) -> dict[str, str]:
    """A reference to the only resource of this kind."""
    [(name, _)] = synthesis.resources(f"AWS::ApiGateway::{kind}")
    return {"Ref": name}


def test_every_path_goes_to_the_function(either: Synthesis) -> None:
    assert {"/", "/{proxy+}"} <= by_path(either, "ANY").keys()
    for method in methods(either, "ANY"):
        assert method["Integration"]["Type"] == "AWS_PROXY"
        assert ":lambda:path/" in flat(method["Integration"]["Uri"])


def test_calls_are_throttled(either: Synthesis, tmp_path: Path) -> None:
    [settings] = either.properties("AWS::ApiGateway::Stage")["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (50, 100)
    own = synthesize(tmp_path / "out", target="localstack", database_host="h", api_rate="7.5", api_burst="9")
    [settings] = own.properties("AWS::ApiGateway::Stage")["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (7.5, 9)


def test_on_aws_no_pages_but_its_own_may_call(on_aws: Synthesis) -> None:
    assert by_path(on_aws, "OPTIONS") == {}
    assert "CORS_ALLOWED_ORIGINS" not in on_aws.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
    assert "Access-Control" not in str([*on_aws.resources("AWS::ApiGateway::GatewayResponse")])


def test_on_aws_a_key_shows_no_person_unless_an_option_says_so(
    on_aws: Synthesis, on_localstack: Synthesis, tmp_path: Path
) -> None:
    own = synthesize(tmp_path / "out", target="aws", api_open_scopes="profile:read, pii:read")
    for synthesis, scopes in (
        (on_aws, "profile:read"),
        (on_localstack, "profile:read,pii:read"),
        (own, "profile:read,pii:read"),
    ):
        variables = synthesis.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
        assert variables["API_OPEN_SCOPES"] == scopes


def test_browsers_may_ask_before_they_call(on_localstack: Synthesis, tmp_path: Path) -> None:
    assert by_path(on_localstack, "OPTIONS").keys() == by_path(on_localstack, "ANY").keys()
    for method in methods(on_localstack, "OPTIONS"):
        assert not method.get("ApiKeyRequired"), "a preflight request cannot carry a key"
        [response] = method["Integration"]["IntegrationResponses"]
        headers = response["ResponseParameters"]
        assert headers["method.response.header.Access-Control-Allow-Origin"] == "'*'"
        assert "X-Api-Key" in headers["method.response.header.Access-Control-Allow-Headers"]
        assert "method.response.header.Access-Control-Allow-Credentials" not in headers
    function = on_localstack.properties("AWS::Lambda::Function", "Api")
    assert function["Environment"]["Variables"]["CORS_ALLOWED_ORIGINS"] == "*"
    own = synthesize(
        tmp_path / "out", target="localstack", database_host="h", cors_origins="https://a.example, https://b.example"
    )
    variables = own.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
    assert variables["CORS_ALLOWED_ORIGINS"] == "https://a.example,https://b.example"
    for method in methods(own, "OPTIONS"):
        [response] = method["Integration"]["IntegrationResponses"]
        allowed = response["ResponseParameters"]["method.response.header.Access-Control-Allow-Origin"]
        assert allowed == "'https://a.example'"


def test_on_aws_every_path_asks_for_a_key_but_the_public_ones(on_aws: Synthesis) -> None:
    asking = {path for path, method in by_path(on_aws, "ANY").items() if method["ApiKeyRequired"]}
    assert asking == {"/", "/{proxy+}"}
    public = {path if not path.endswith("/") else f"{path}{{proxy+}}" for path in PUBLIC}
    assert by_path(on_aws, "ANY").keys() - asking == public
    verbs = {resource["Properties"]["HttpMethod"] for _, resource in on_aws.resources("AWS::ApiGateway::Method")}
    assert verbs == {"ANY"}


def test_where_the_database_pauses_no_path_without_a_key_wakes_it(tmp_path: Path) -> None:
    aurora = synthesize(tmp_path / "out", target="aws", database="aurora")
    public = {path for path, method in by_path(aurora, "ANY").items() if not method["ApiKeyRequired"]}
    assert "/readyz" not in by_path(aurora, "ANY")
    assert "/healthz" in public
    patience = {
        name: int(aurora.properties("AWS::Lambda::Function", name)["Environment"]["Variables"]["DATABASE_WAKE_SECONDS"])
        for name in ("Migrate", "Load", "RecordStatus", "Api")
    }
    assert all(seconds > 15 for seconds in patience.values()), "it takes 15 s and more"
    for name, seconds in patience.items():
        assert seconds <= aurora.properties("AWS::Lambda::Function", name)["Timeout"] - 6, name


def test_on_aws_a_key_has_a_rate_a_burst_and_a_quota_on_the_stage(on_aws: Synthesis, tmp_path: Path) -> None:
    plan = on_aws.properties("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"RateLimit": 50, "BurstLimit": 100}
    assert plan["Quota"] == {"Limit": 1_000_000, "Period": "MONTH"}
    [stage] = plan["ApiStages"]
    assert stage["ApiId"] == reference(on_aws, "RestApi")
    assert stage["Stage"] == reference(on_aws, "Stage")
    of_key = on_aws.properties("AWS::ApiGateway::UsagePlanKey")
    assert of_key == {
        "KeyId": reference(on_aws, "ApiKey"),
        "KeyType": "API_KEY",
        "UsagePlanId": reference(on_aws, "UsagePlan"),
    }
    key = on_aws.properties("AWS::ApiGateway::ApiKey")
    assert key["Enabled"] is True
    assert "Value" not in key, "API Gateway makes the key"
    assert on_aws.outputs("Api")["ApiKeyId"] == of_key["KeyId"]
    own = synthesize(tmp_path / "out", target="aws", api_rate="7.5", api_burst="9", api_quota="500")
    plan = own.properties("AWS::ApiGateway::UsagePlan")
    assert (plan["Throttle"], plan["Quota"]["Limit"]) == ({"RateLimit": 7.5, "BurstLimit": 9}, 500)


def test_on_localstack_no_key_is_needed_unless_switched_on(
    on_localstack: Synthesis, on_aws: Synthesis, tmp_path: Path
) -> None:
    assert not any(method.get("ApiKeyRequired") for method in methods(on_localstack, "ANY"))
    assert set(on_localstack.outputs("Api")) == {"RestApiId", "ApiStage", "ApiUrl", "ApiFunctionName"}
    with_key = synthesize(tmp_path / "out", target="localstack", database_host="h", api_key="enabled")
    for resource_type in ("Method", "UsagePlan", "UsagePlanKey", "ApiKey"):
        found, expected = (
            [
                flat(resource["Properties"])
                for _, resource in each.resources(f"AWS::ApiGateway::{resource_type}")
                if resource["Properties"].get("HttpMethod") != "OPTIONS"  # pages may call there, but not on AWS
            ]
            for each in (with_key, on_aws)
        )
        assert found == expected


def test_the_function_knows_its_public_path(on_aws: Synthesis, on_localstack: Synthesis) -> None:
    for synthesis, path in ((on_aws, "/v1"), (on_localstack, "/_aws/execute-api/RestApi0C43BF4B/v1")):
        variables = synthesis.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
        assert flat(variables["API_ROOT_PATH"]) == path
        assert synthesis.outputs("Api")["ApiStage"] == "v1"
    url = flat(on_localstack.outputs("Api")["ApiUrl"])
    assert url == "http://127.0.0.1:4566/_aws/execute-api/RestApi0C43BF4B/v1/"


def test_on_aws_accesses_are_logged_without_payloads(on_aws: Synthesis) -> None:
    stage = on_aws.properties("AWS::ApiGateway::Stage")
    assert "AccessLog" in flat(stage["AccessLogSetting"]["DestinationArn"])
    assert stage["MethodSettings"][0]["DataTraceEnabled"] is False


def test_the_function_gives_up_before_api_gateway_does(either: Synthesis) -> None:
    assert either.properties("AWS::Lambda::Function", "Api")["Timeout"] < 29


def test_what_the_gateway_refuses_is_a_problem_with_the_requests_id(
    either: Synthesis, on_localstack: Synthesis
) -> None:
    found = [each["Properties"] for _, each in either.resources("AWS::ApiGateway::GatewayResponse")]
    responses = {properties["ResponseType"]: properties for properties in found}
    refusals = {"INVALID_API_KEY": 403, "THROTTLED": 429, "QUOTA_EXCEEDED": 429, "INTEGRATION_TIMEOUT": 504}
    for kind, status in refusals.items():
        properties = responses[kind]
        assert properties["StatusCode"] == str(status)
        content = json.loads(properties["ResponseTemplates"]["application/json"])
        assert content["status"] == status
        assert content["request_id"] == "$context.requestId"
        headers = properties["ResponseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert (headers.get("gatewayresponse.header.Access-Control-Allow-Origin") == "'*'") == (either is on_localstack)
        exposed = headers.get("gatewayresponse.header.Access-Control-Expose-Headers", "")
        assert ("Retry-After" in exposed) == (either is on_localstack)
        assert ("gatewayresponse.header.Retry-After" in headers) == (kind == "THROTTLED")
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= responses.keys()


def test_the_gateway_compresses_since_the_function_does_not(either: Synthesis) -> None:
    assert either.properties("AWS::ApiGateway::RestApi")["MinimumCompressionSize"] == 1024


def test_tokens_are_asked_for_once_an_issuer_is_named_with_its_keys(either: Synthesis, tmp_path: Path) -> None:
    assert "API_AUTH" not in either.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
    options = {"target": "localstack", "database_host": "h", "jwt_issuer": "https://issuer.example"}
    with pytest.raises(ConfigError, match="jwt_audience"):
        DeploymentConfig.from_context(options)
    given = json.dumps({"keys": [{"kty": "RSA", "kid": "one"}]})
    own = synthesize(tmp_path / "out", **options, jwt_audience="shop", jwt_scope_prefix="https://c360/", jwt_jwks=given)
    variables = own.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
    assert variables["API_AUTH"] == "jwt"
    assert (variables["JWT_ISSUER"], variables["JWT_AUDIENCE"]) == ("https://issuer.example", "shop")
    assert variables["JWT_SCOPE_PREFIX"] == "https://c360/"
    assert variables["JWT_JWKS"] == given
    assert not any(name.startswith("IssuerKeys") for name, _ in own.resources())


@pytest.fixture(scope="module")
def with_tokens(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """On AWS, with an issuer that publishes its keys."""
    folder = tmp_path_factory.mktemp("tokens") / "out"
    return synthesize(folder, target="aws", jwt_issuer="https://issuer.example/", jwt_audience="shop")


def test_the_issuers_keys_are_copied_to_where_the_isolated_api_reads_them(with_tokens: Synthesis) -> None:
    api = with_tokens.properties("AWS::Lambda::Function", "Api")
    refresh = with_tokens.properties("AWS::Lambda::Function", "IssuerKeysRefreshKeys")
    url = flat(api["Environment"]["Variables"]["JWT_JWKS_URL"])
    assert re.fullmatch(r"s3://IssuerKeysBucket\w+/jwks.json", url)
    assert "JWT_JWKS" not in api["Environment"]["Variables"]
    variables = refresh["Environment"]["Variables"]
    assert variables["JWT_KEYS_PUBLISHED"] == "https://issuer.example/.well-known/jwks.json"
    assert flat(variables["JWT_JWKS_URL"]) == url
    assert "VpcConfig" not in refresh, "the issuer is on the internet"
    groups = [flat(group) for group in api["VpcConfig"]["SecurityGroupIds"]]
    assert any("S3Readers" in group for group in groups), "by the gateway endpoint"
    allowed = {
        name[:7]: (set(actions(statement)), resources(statement))
        for name, statement in with_tokens.statements()
        if any("IssuerKeysBucket" in resource for resource in resources(statement))
    }
    assert allowed["ApiRole"][0] == {"s3:GetObject"}
    assert allowed["IssuerK"][0] == {"s3:DeleteObject", "s3:PutObject"}
    assert all(where[0].endswith("/jwks.json") for _, where in allowed.values())


def test_keys_are_copied_again_and_again_and_somebody_is_told_when_not(with_tokens: Synthesis) -> None:
    rule = with_tokens.properties("AWS::Events::Rule", "IssuerKeys")
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    alarm = with_tokens.properties("AWS::CloudWatch::Alarm", "IssuerKeys")
    metrics = {each["Id"]: each.get("MetricStat", each.get("Expression")) for each in alarm["Metrics"]}
    assert {metrics[key]["Metric"]["MetricName"] for key in ("calls", "errors")} == {"Invocations", "Errors"}
    assert "calls - FILL(errors, 0)" in metrics.values()
    assert {metrics[key]["Period"] * alarm["EvaluationPeriods"] for key in ("calls", "errors")} == {1800}
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching", "a rule that is gone calls nothing"
    assert "AlertTopic" in flat(alarm["AlarmActions"][0])
    [(name, resource)] = [
        each for each in with_tokens.resources("AWS::CloudFormation::CustomResource") if each[0].startswith("Issuer")
    ]
    [(_, scheduled)] = [each for each in with_tokens.resources("AWS::Events::Rule") if each[0].startswith("Issuer")]
    assert name in scheduled["DependsOn"], "deleted in the other order, the bucket would not be empty"
    assert any(each.startswith("IssuerKeysBucket") for each in resource["DependsOn"])
    [(_, watching)] = [each for each in with_tokens.resources("AWS::CloudWatch::Alarm") if each[0].startswith("Issuer")]
    assert name in watching["DependsOn"], "before the first copy it would ring"


def test_a_published_set_of_keys_may_be_somewhere_else(tmp_path: Path) -> None:
    issuer = {"jwt_issuer": "https://issuer.example", "jwt_audience": "shop", "jwt_jwks_url": "https://keys.example/k"}
    own = synthesize(tmp_path / "out", target="localstack", database_host="h", **issuer)
    refresh = own.properties("AWS::Lambda::Function", "IssuerKeysRefreshKeys")
    assert refresh["Environment"]["Variables"]["JWT_KEYS_PUBLISHED"] == "https://keys.example/k"
    assert not list(own.resources("AWS::CloudWatch::Alarm"))
