"""Tokens of the tests' own issuer, and the settings of an API that asks for them."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.api.settings import ApiSettings
from tests.support.served_api import settings_for

ISSUER = "https://issuer.example/pool"
AUDIENCE = "shop"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwks(*keys: tuple[str, Any]) -> dict[str, Any]:
    return {
        "keys": [json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid} for kid, key in keys]
    }


def token(*, key: Any = KEY, kid: str | None = "one", algorithm: str = "RS256", **claims: Any) -> str:
    """A token with both scopes, unless the claims say otherwise; None takes a claim away."""
    body = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60, "scope": "profile:read pii:read"} | claims
    content = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(content, key, algorithm, headers={"kid": kid} if kid else {})


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def jwt_settings(url: str, **fields: Any) -> ApiSettings:
    given: dict[str, Any] = {"jwt_jwks": json.dumps(jwks(("one", KEY)))} | fields
    return settings_for(url, api_auth="jwt", jwt_issuer=ISSUER, jwt_audience=AUDIENCE, **given)
