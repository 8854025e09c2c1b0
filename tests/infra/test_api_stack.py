"""The API is reachable by the applications it is for, and by no more than they need."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.config import Deployment
from infra.errors import ConfigError
from tests.infra.synthesis import Synthesis, flat, synthesize


def methods(synthesis: Synthesis, verb: str) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for _, resource in synthesis.resources("AWS::ApiGateway::Method")
        if resource["Properties"]["HttpMethod"] == verb
    ]


def test_every_path_goes_to_the_function(either: Synthesis) -> None:
    assert either.properties("AWS::ApiGateway::Resource")["PathPart"] == "{proxy+}"
    assert len(methods(either, "ANY")) == 2
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


def test_browsers_may_ask_before_they_call(either: Synthesis, tmp_path: Path) -> None:
    assert len(methods(either, "OPTIONS")) == 2
    for method in methods(either, "OPTIONS"):
        assert not method.get("ApiKeyRequired"), "a preflight request cannot carry a key"
        [response] = method["Integration"]["IntegrationResponses"]
        headers = response["ResponseParameters"]
        assert headers["method.response.header.Access-Control-Allow-Origin"] == "'*'"
        assert "X-Api-Key" in headers["method.response.header.Access-Control-Allow-Headers"]
        assert "method.response.header.Access-Control-Allow-Credentials" not in headers
    function = either.properties("AWS::Lambda::Function", "Api")
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


def test_on_aws_a_key_with_a_usage_plan_is_required(on_aws: Synthesis) -> None:
    assert all(method["ApiKeyRequired"] for method in methods(on_aws, "ANY"))
    plan = on_aws.properties("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"RateLimit": 50, "BurstLimit": 100}
    assert len(plan["ApiStages"]) == 1
    assert on_aws.properties("AWS::ApiGateway::UsagePlanKey")["KeyType"] == "API_KEY"
    assert "Value" not in on_aws.properties("AWS::ApiGateway::ApiKey"), "API Gateway makes the key"
    assert set(on_aws.outputs("Api")) == {"RestApiId", "ApiStage", "ApiUrl", "ApiFunctionName", "ApiKeyId"}


def test_on_localstack_no_key_is_needed_unless_switched_on(on_localstack: Synthesis, tmp_path: Path) -> None:
    assert not any(method.get("ApiKeyRequired") for method in methods(on_localstack, "ANY"))
    assert set(on_localstack.outputs("Api")) == {"RestApiId", "ApiStage", "ApiUrl", "ApiFunctionName"}
    with_key = synthesize(tmp_path / "out", target="localstack", database_host="h", api_key="enabled")
    assert all(method["ApiKeyRequired"] for method in methods(with_key, "ANY"))


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


def test_what_the_gateway_refuses_is_a_problem_with_the_requests_id(either: Synthesis) -> None:
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
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        assert ("gatewayresponse.header.Retry-After" in headers) == (status == 429)
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= responses.keys()


def test_a_key_has_a_quota_beside_its_rate(on_aws: Synthesis) -> None:
    assert on_aws.properties("AWS::ApiGateway::UsagePlan")["Quota"] == {"Limit": 1_000_000, "Period": "MONTH"}


def test_the_gateway_compresses_since_the_function_does_not(either: Synthesis) -> None:
    assert either.properties("AWS::ApiGateway::RestApi")["MinimumCompressionSize"] == 1024


def test_tokens_are_asked_for_once_an_issuer_is_named_with_its_keys(either: Synthesis, tmp_path: Path) -> None:
    assert "API_AUTH" not in either.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
    options = {"target": "localstack", "database_host": "h", "jwt_issuer": "https://issuer.example"}
    with pytest.raises(ConfigError, match="jwt_audience"):
        Deployment.from_context(options)
    own = synthesize(tmp_path / "out", **options, jwt_audience="shop", jwt_jwks='{"keys": []}')
    variables = own.properties("AWS::Lambda::Function", "Api")["Environment"]["Variables"]
    assert variables["API_AUTH"] == "jwt"
    assert (variables["JWT_ISSUER"], variables["JWT_AUDIENCE"]) == ("https://issuer.example", "shop")
    assert variables["JWT_JWKS"] == '{"keys": []}'
