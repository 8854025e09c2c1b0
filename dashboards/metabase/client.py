"""Metabase's HTTP API: the routes that provisioning needs, as VERSION has them, and its refusals as errors."""

import time
from collections.abc import Callable
from typing import Any, Self

import httpx

from functions.common.errors import C360Error

type Json = dict[str, Any]

VERSION = "v0.60.2"
"""The release whose API this is written for: the compose file runs it, and the tests hold its requests' schemas."""

_SECONDS_BETWEEN_TRIES = 1.0
_REQUEST_SECONDS = 60.0


class MetabaseError(C360Error):
    """Metabase refused a request, or does not answer."""


class Metabase:
    """One Metabase at `url`. Every method raises MetabaseError with Metabase's own words."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=_REQUEST_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def wait(self, seconds: float, progress: Callable[[str], None]) -> None:
        """Until its health is ok; a first start migrates its own database, which takes a minute or two."""
        end = time.monotonic() + seconds
        reported = False
        while not self._is_healthy():
            if time.monotonic() > end:
                raise MetabaseError(f"no Metabase is ready at {self.url} after {seconds:.0f} seconds")
            if not reported:
                progress(f"waiting for Metabase at {self.url}")
                reported = True
            time.sleep(_SECONDS_BETWEEN_TRIES)

    def sign_in(self, email: str, password: str, site_name: str) -> bool:
        """As the administrator, who is made where there is no user yet. Returns whether that was so."""
        properties = self.get("session/properties")
        if is_new := not properties["has-user-setup"]:
            user = {"email": email, "password": password, "first_name": "Customer 360", "last_name": "Administrator"}
            prefs = {"site_name": site_name, "allow_tracking": False}
            session = self.post("setup", {"token": properties["setup-token"], "user": user, "prefs": prefs})
        else:
            session = self.post("session", {"username": email, "password": password})
        self._http.headers["X-Metabase-Session"] = session["id"]
        return is_new

    def release(self) -> str:
        """The release that answers, such as v0.60.2; empty where it does not say."""
        version = self.get("session/properties").get("version") or {}
        return str(version.get("tag") or "")

    def get(self, path: str, **query: str) -> Any:
        """The answer of GET /api/<path>."""
        return self._ask("GET", path, params=query)

    def find(self, path: str) -> Any:
        """The answer of GET /api/<path>; None where there is no such thing."""
        return self._ask("GET", path, missing_is_none=True)

    def post(self, path: str, body: Json | None = None) -> Any:
        """The answer of POST /api/<path>."""
        return self._ask("POST", path, json=body or {})

    def put(self, path: str, body: Json) -> Any:
        """The answer of PUT /api/<path>."""
        return self._ask("PUT", path, json=body)

    def _is_healthy(self) -> bool:
        try:
            answer = self._http.get("/api/health")
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK and answer.json().get("status") == "ok"

    def _ask(self, method: str, path: str, *, missing_is_none: bool = False, **request: Any) -> Any:
        try:
            answer = self._http.request(method, f"/api/{path}", **request)
        except httpx.TransportError as error:
            raise MetabaseError(f"Metabase at {self.url} does not answer: {error}") from error
        if missing_is_none and answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_error:
            said = " ".join(answer.text.split())[:500]
            raise MetabaseError(f"Metabase refused {method} /api/{path} ({answer.status_code}): {said}")
        return answer.json() if answer.content else None
