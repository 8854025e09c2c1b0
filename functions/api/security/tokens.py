"""Bearer tokens of an OIDC issuer: signature, issuer, audience, time, and the scopes in them."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.api.security.key_store import SCHEME, stored_keys
from functions.api.settings import ApiSettings
from functions.common.errors import C360Error, TransientError
from functions.common.logging import logger

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
KEYS_LIVE_SECONDS = 3_600
KEYS_AGAIN_SECONDS = 60
"""How soon an unknown key id makes us ask the issuer again; callers can make up as many as they like."""

_LEEWAY_SECONDS = 30
_FETCH_SECONDS = 3


_ACCESS_TOKEN_TYPES = frozenset({"bearer", "at+jwt", "jwt"})


class InvalidTokenError(C360Error):
    """A token that proves nothing; the message says why."""


class IssuerUnavailableError(TransientError):
    """The issuer's keys cannot be fetched now."""


@dataclass(frozen=True)
class Token:
    """A valid token: its scopes, without the issuer's prefix of them; whose it is; the second of Unix time it ends."""

    scopes: frozenset[str]
    subject: str | None
    expires_at: float


class TokenVerifier:
    """Verifies tokens against the issuer's keys, which are fetched over verified TLS and kept for an hour."""

    def __init__(self, settings: ApiSettings) -> None:
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._scope_prefix = settings.jwt_scope_prefix
        self._url = settings.keys_url
        self._given = settings.jwt_jwks
        self._keys: Mapping[str | None, Any] = _parsed(self._given) if self._given is not None else {}
        self._fetched_at = -float("inf")
        self._fetching = asyncio.Lock()

    async def verified(self, token: str) -> Token:
        """The access token, if it is valid now.

        Raises InvalidTokenError, and IssuerUnavailableError when the keys are needed and cannot be had.
        """
        import jwt  # here, since cryptography costs a cold start that open APIs do not need

        try:
            key = await self._key(jwt.get_unverified_header(token).get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss"], "verify_aud": False},
            )
        except jwt.PyJWTError as error:
            raise InvalidTokenError(str(error) or type(error).__name__) from None
        # an access token of Cognito has no audience, but names the client
        audience = claims.get("aud", claims.get("client_id"))
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidTokenError("it is for another audience")
        _refuse_other_kinds(claims)
        subject = claims.get("sub", claims.get("client_id"))
        return Token(
            scopes=frozenset(
                scope.removeprefix(self._scope_prefix)
                for scope in _stated_scopes(claims)
                if scope.startswith(self._scope_prefix)
            ),
            subject=None if subject is None else str(subject),
            expires_at=claims["exp"] + _LEEWAY_SECONDS,
        )

    async def _key(self, key_id: str | None) -> Any:
        if self._given is None:
            await self._refresh(key_id)
        if key_id in self._keys:
            return self._keys[key_id]
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        raise InvalidTokenError("it is signed with a key that the issuer does not have")

    async def _refresh(self, key_id: str | None) -> None:
        async with self._fetching:
            age = time.monotonic() - self._fetched_at
            unknown = key_id not in self._keys and age > KEYS_AGAIN_SECONDS
            if age <= KEYS_LIVE_SECONDS and not unknown:
                return
            try:
                self._keys = _parsed(await asyncio.to_thread(_fetch, self._url))
            except (OSError, ValueError) as error:
                if key_id not in self._keys:
                    raise IssuerUnavailableError(f"the keys of {self._url} cannot be fetched: {error}") from error
                # a key that we have stays good while its issuer is away
                logger.warning("the issuer's keys cannot be fetched", error=str(error))
            self._fetched_at = time.monotonic()


def _fetch(url: str) -> dict[str, Any]:
    if url.startswith(SCHEME):
        return stored_keys(url)
    with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310 - the settings take https only
        keys: dict[str, Any] = json.load(answer)
        return keys


def _parsed(keys: dict[str, Any]) -> dict[str | None, Any]:
    from jwt import PyJWKSet, PyJWTError

    try:
        return {key.key_id: key for key in PyJWKSet.from_dict(keys).keys}
    except (PyJWTError, AttributeError, TypeError) as error:
        raise ValueError(f"not a JSON Web Key Set: {error}") from None


def _refuse_other_kinds(claims: dict[str, Any]) -> None:
    """Take access tokens only: an ID token tells an application who signed in, and opens nothing.

    Cognito says in `token_use` which it is, Keycloak in `typ`.
    """
    use, kind = claims.get("token_use", "access"), claims.get("typ", "Bearer")
    if use != "access" or str(kind).lower() not in _ACCESS_TOKEN_TYPES:
        raise InvalidTokenError("it is not an access token")


def _stated_scopes(claims: dict[str, Any]) -> list[str]:
    stated = claims.get("scope", claims.get("scp", ""))
    words = stated.split() if isinstance(stated, str) else stated
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InvalidTokenError("its scopes are no text")
    return words
