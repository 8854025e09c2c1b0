"""Who may call, and what they may see: asked before every route that is not listed as public.

While `api_auth` is "open" every caller has the scopes of `api_open_scopes`; with "jwt" those of the bearer token.
API keys are API Gateway's business, see infra/api_stack.py.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.api.http import header
from functions.api.problems import problem, unavailable
from functions.api.security.issuer_keys import IssuerUnavailableError
from functions.api.security.public_paths import is_public
from functions.api.security.share_links import SHARE_HEADER, InvalidShareError, Share, find_share, shows
from functions.api.security.tokens import InvalidTokenError, TokenVerifier
from functions.api.settings import ApiSettings
from functions.common.errors import TransientError

READ = "profile:read"
PERSONAL = "pii:read"
MANAGE_SHARES = "shares:manage"


@dataclass(frozen=True)
class Access:
    """What this caller may do; through a share link, no more than that shows.

    `subject`: who it is, a token's `sub` or an API key's id, as far as that is known.
    `expires_at`: the second of Unix time at which the caller's token ends, if there is one.
    """

    scopes: frozenset[str]
    share: Share | None = None
    subject: str | None = None
    expires_at: float | None = None

    @property
    def masked(self) -> bool:
        """Whether names, e-mail addresses and phone numbers are hidden from them."""
        return PERSONAL not in self.scopes


class AuthenticationMiddleware:
    """Pure ASGI: lets a request through with its `Access` in `request.state.access`, or answers 401, 403 or 503."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self.app = app
        self._verifier = TokenVerifier(settings) if settings.api_auth == "jwt" else None
        self._open = Access(frozenset(settings.api_open_scopes))
        self._database_rests = settings.database_wake_seconds > 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_public(scope["path"], database_rests=self._database_rests):
            request_id = scope["state"]["request_id"]
            try:
                scope["state"]["access"] = await self._access(scope)
            except HTTPException as error:
                refusal = problem(request_id, error.status_code, error.detail, headers=error.headers)
                await refusal(scope, receive, send)
                return
            except IssuerUnavailableError as error:
                refusal = unavailable(request_id, "The issuer of tokens cannot be reached", error)
                await refusal(scope, receive, send)
                return
            except TransientError as error:
                refusal = unavailable(request_id, "The database cannot be reached", error)
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _access(self, scope: Scope) -> Access:
        if self._verifier is None:
            key = _of_key(scope)
            access = self._open if key is None else replace(self._open, subject=key)
        else:
            access = await _of_token(self._verifier, header(scope, b"authorization") or "")
        if READ not in access.scopes:
            raise HTTPException(HTTPStatus.FORBIDDEN, f"The scope {READ} is needed.", _insufficient(READ))
        token = header(scope, SHARE_HEADER)
        return access if token is None else await _through_share(scope, access, token)


async def _through_share(scope: Scope, access: Access, token: str) -> Access:
    """The caller's access, narrowed to what the link shows."""
    try:
        share = await find_share(scope["app"].state.database, token)
    except InvalidShareError as error:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, error.message) from None
    if scope["method"] not in ("GET", "HEAD") or not shows(scope["path"]):
        raise HTTPException(HTTPStatus.FORBIDDEN, "The link shows figures only.")
    return replace(access, scopes=access.scopes if share.personal else access.scopes - {PERSONAL}, share=share)


async def _of_token(verifier: TokenVerifier, authorization: str) -> Access:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        challenge = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "Send a token: `Authorization: Bearer …`.", challenge)
    try:
        verified = await verifier.verified(token.strip())
    except InvalidTokenError as error:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise HTTPException(HTTPStatus.UNAUTHORIZED, f"The token is not valid: {error}.", challenge) from None
    return Access(verified.scopes, subject=verified.subject, expires_at=verified.expires_at)


def _of_key(scope: Scope) -> str | None:
    """The id, never the key, of the API key that API Gateway has let in."""
    identity = scope.get("aws.event", {}).get("requestContext", {}).get("identity", {})
    key_id = identity.get("apiKeyId")
    return None if key_id is None else f"api-key:{key_id}"


def _insufficient(scope: str) -> dict[str, str]:
    return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}


def access_of(request: Request) -> Access:
    """What this request's caller may do."""
    access: Access = request.state.access
    return access


def require_filters(access: Access, given: dict[str, Any], but: Collection[str] = ()) -> None:
    """Refuse other filters than those of a link that has locked them, `but` some. Raises HTTPException 403."""
    if access.share is None or not access.share.filters_locked:
        return
    if given != {name: value for name, value in access.share.filters.items() if name not in but}:
        raise HTTPException(HTTPStatus.FORBIDDEN, "The filters of this link are locked.")


def refuse_personal(access: Access, parameters: frozenset[str]) -> None:
    """Refuse to filter by what the caller may not see: the result would reveal it. Raises HTTPException 403."""
    if parameters and access.masked:
        names = ", ".join(sorted(parameters))
        raise HTTPException(
            HTTPStatus.FORBIDDEN, f"The scope {PERSONAL} is needed for {names}.", _insufficient(PERSONAL)
        )
