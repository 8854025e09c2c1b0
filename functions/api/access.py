"""Who may call, and what they may see: every data route depends on `authorise`.

While `api_auth` is "open" every caller has the scopes of `api_open_scopes`; with "jwt" those of the bearer token.
API keys are API Gateway's business, see infra/api_stack.py.
"""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request
from starlette.exceptions import HTTPException

from functions.api.settings import ApiSettings
from functions.api.tokens import InvalidTokenError, TokenVerifier

READ = "profile:read"
PERSONAL = "pii:read"

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True)
class Access:
    """What this caller may do."""

    scopes: frozenset[str]

    @property
    def masked(self) -> bool:
        """Whether names, e-mail addresses and phone numbers are hidden from them."""
        return PERSONAL not in self.scopes


class Gate:
    """Decides for each request; `app.state.gate`."""

    def __init__(self, settings: ApiSettings) -> None:
        self._verifier = TokenVerifier(settings) if settings.api_auth == "jwt" else None
        self._open = Access(frozenset(settings.api_open_scopes))

    async def access(self, request: Request) -> Access:
        """Raises HTTPException 401 without a valid token, 403 without the scope `profile:read`."""
        access = self._open if self._verifier is None else await self._of_token(self._verifier, request)
        if READ not in access.scopes:
            raise HTTPException(HTTPStatus.FORBIDDEN, f"The scope {READ} is needed.", _insufficient(READ))
        return access

    async def _of_token(self, verifier: TokenVerifier, request: Request) -> Access:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "Send a token: `Authorization: Bearer …`.", _CHALLENGE)
        try:
            return Access(await verifier.scopes(token.strip()))
        except InvalidTokenError as error:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise HTTPException(HTTPStatus.UNAUTHORIZED, f"The token is not valid: {error}.", challenge) from None


def _insufficient(scope: str) -> dict[str, str]:
    return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}


async def authorise(request: Request) -> Access:
    """The dependency of every route that answers data."""
    gate: Gate = request.app.state.gate
    return await gate.access(request)


def refuse_personal(access: Access, parameters: frozenset[str]) -> None:
    """Refuse to filter by what the caller may not see, which would tell it. Raises HTTPException 403."""
    if parameters and access.masked:
        names = ", ".join(sorted(parameters))
        raise HTTPException(
            HTTPStatus.FORBIDDEN, f"The scope {PERSONAL} is needed for {names}.", _insufficient(PERSONAL)
        )
