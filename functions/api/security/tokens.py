"""Bearer tokens of an OIDC issuer: signature, issuer, audience, time, and the scopes in them."""

from dataclasses import dataclass
from typing import Any

from functions.api.security.issuer_keys import IssuerKeys, UnknownKeyError, find_key, parsed_keys
from functions.api.settings import ApiSettings
from functions.common.errors import C360Error

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

_LEEWAY_SECONDS = 30
_ACCESS_TOKEN_TYPES = frozenset({"bearer", "at+jwt", "jwt"})


class InvalidTokenError(C360Error):
    """A token that proves nothing; the message says why."""


@dataclass(frozen=True)
class Token:
    """A valid token: its scopes, without the issuer's prefix of them; whose it is; the second of Unix time it ends."""

    scopes: frozenset[str]
    subject: str | None
    expires_at: float


class TokenVerifier:
    """Verifies tokens against the issuer's keys: those of the settings, or those that the issuer publishes."""

    def __init__(self, settings: ApiSettings) -> None:
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._scope_prefix = settings.jwt_scope_prefix
        self._given = None if settings.jwt_jwks is None else parsed_keys(settings.jwt_jwks)
        self._fetched = IssuerKeys(settings.keys_url)

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
        except UnknownKeyError:
            raise InvalidTokenError("it is signed with a key that the issuer does not have") from None
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
        known = find_key(self._given, key_id) if self._given is not None else await self._fetched.key(key_id)
        if known is None:
            raise UnknownKeyError("the issuer does not have this key")
        return known


def _refuse_other_kinds(claims: dict[str, Any]) -> None:
    """Take access tokens only: an ID token is for the application that somebody signed in to, and opens nothing.

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
