"""The issuer's keys, copied to where the API reads them without a route to the internet."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from moto import mock_aws

from functions.api.app import create_app
from functions.api.security import issuer_keys, key_store
from functions.api.security.key_store import IssuerKeysError
from functions.api.security.keys_handler import handle
from tests.support import night
from tests.support.custom_resource import CREATE, listening
from tests.support.issuer import Issuer, issuer
from tests.support.lambda_context import lambda_context
from tests.support.served_api import served
from tests.support.tokens import bearer, jwks, jwt_settings, token

STORED = "s3://keys-of-issuer/jwks.json"
NEW_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

type Published = tuple[type[Issuer], str]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    """An issuer, the bucket for its keys, and the function's environment."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws(), issuer() as (state, url):
        key_store._client.cache_clear()
        boto3.client("s3").create_bucket(Bucket="keys-of-issuer")
        monkeypatch.setenv("JWT_KEYS_PUBLISHED", url)
        monkeypatch.setenv("JWT_JWKS_URL", STORED)
        yield state, url
    key_store._client.cache_clear()


def stored() -> Any:
    return json.loads(boto3.client("s3").get_object(Bucket="keys-of-issuer", Key="jwks.json")["Body"].read())


@pytest.fixture
def client(published: Published, night_url: str) -> Iterator[httpx.Client]:
    """The API that reads the copy."""
    settings = jwt_settings(night.role_url(night_url, "c360_api"), jwt_jwks=None, jwt_jwks_url=STORED)
    with served(create_app(settings)) as client:
        yield client


def test_a_rotation_of_keys_reaches_the_api_without_a_deployment(
    client: httpx.Client, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, _ = published
    assert handle({}, lambda_context()) == {"KeyIds": "one"}
    assert client.get("/customers?limit=1", headers=bearer(token())).status_code == 200
    state.keys = jwks(("two", NEW_KEY))
    monkeypatch.setattr(issuer_keys, "KEYS_AGAIN_SECONDS", 0)
    new = bearer(token(kid="two", key=NEW_KEY))
    assert client.get("/customers?limit=1", headers=new).status_code == 401, "nobody has copied it yet"
    assert handle({}, lambda_context()) == {"KeyIds": "two"}
    assert client.get("/customers?limit=1", headers=new).status_code == 200
    assert client.get("/customers?limit=1", headers=bearer(token())).status_code == 401


def test_without_a_copy_the_api_is_503(client: httpx.Client) -> None:
    answer = client.get("/customers?limit=1", headers=bearer(token()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"keys": []}, "no JSON Web Key Set"),
        ({"error": "maintenance"}, "no JSON Web Key Set"),
        ([], "no JSON Web Key Set"),
        ({"keys": ["x"]}, "no JSON Web Key Set"),
        ({"keys": [json.loads(RSAAlgorithm.to_jwk(NEW_KEY))]}, "must stay secret"),
        ({"keys": [], "padding": "x" * (64 << 10)}, "more than 64 KiB"),
    ],
    ids=["none", "another object", "a list", "words", "private", "huge"],
)
def test_what_is_no_set_of_public_keys_replaces_nothing(published: Published, keys: Any, said: str) -> None:
    state, _ = published
    handle({}, lambda_context())
    before = stored()
    state.keys = keys
    with pytest.raises(IssuerKeysError, match=said):
        handle({}, lambda_context())
    assert stored() == before


def test_keys_are_never_fetched_without_tls_from_elsewhere(published: Published) -> None:
    state, _ = published
    state.moved_to = "file:///etc/hostname"
    with pytest.raises(IssuerKeysError):
        handle({}, lambda_context())
    with pytest.raises(IssuerKeysError, match="unknown url type"):
        key_store._published("ftp://127.0.0.1/keys")


def test_a_deployment_copies_the_keys_and_fails_with_the_reason_when_it_cannot(published: Published) -> None:
    state, url = published

    def send(request_type: str) -> dict[str, Any]:
        with listening() as answers:
            handle({**CREATE, "RequestType": request_type, "ResponseURL": answers.url}, lambda_context())
            (answer,) = answers.got
            return answer

    created = send("Create")
    assert (created["Status"], created["Data"]) == ("SUCCESS", {"KeyIds": "one"})
    state.keys = {"error": "maintenance"}
    failed = send("Update")
    assert failed["Status"] == "FAILED"
    assert url in failed["Reason"]
    assert stored()["keys"]
    assert send("Delete")["Status"] == "SUCCESS"
    found = boto3.client("s3").list_objects_v2(Bucket="keys-of-issuer")
    assert found["KeyCount"] == 0, "a bucket that is not empty cannot be deleted"


def test_a_request_that_comes_twice_or_with_old_properties_keeps_the_copy(published: Published) -> None:
    """Lambda invokes at least once; a rollback sends an Update back to the properties before, then no Delete."""
    _, url = published

    def send(request_type: str, **more: Any) -> dict[str, Any]:
        with listening() as answers:
            handle({**CREATE, "RequestType": request_type, "ResponseURL": answers.url, **more}, lambda_context())
            (answer,) = answers.got
            return answer

    first, again = send("Create"), send("Create")
    assert first == again
    back = send(
        "Update",
        PhysicalResourceId=first["PhysicalResourceId"],
        OldResourceProperties={"ServiceToken": "arn", "PublishedAt": "https://other.example/keys"},
        ResourceProperties={"ServiceToken": "arn", "PublishedAt": url},
    )
    assert back["Status"] == "SUCCESS"
    assert back["PhysicalResourceId"] == first["PhysicalResourceId"], "with another, the copy would be deleted"
    assert stored()["keys"]
    gone = [send("Delete", PhysicalResourceId=first["PhysicalResourceId"]) for _ in range(2)]
    assert [each["Status"] for each in gone] == ["SUCCESS", "SUCCESS"]
