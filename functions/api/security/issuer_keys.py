"""The public keys of an issuer of tokens: fetched in the background, so that who is known waits for nobody.

Callers make up as many key ids as they like, and the issuer may be slow or away. So one fetch at a time is under way, a
key that is known is used at once, and after a fetch, or after one that failed, unknown ids are answered from memory for
a while.
"""

import asyncio
import json
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

from functions.api.security.key_store import SCHEME, stored_keys
from functions.common.errors import C360Error, TransientError
from functions.common.logging import logger

KEYS_LIVE_SECONDS = 3_600
KEYS_AGAIN_SECONDS = 60
"""How soon an unknown key id makes us ask the issuer again."""
FAILED_AGAIN_SECONDS = 5
"""How soon we ask again after the issuer did not answer."""
WAIT_SECONDS = 1.0
"""How long a caller with an unknown key id waits for a fetch."""

_FETCH_SECONDS = 3
_MOST_BYTES = 1_000_000


class UnknownKeyError(C360Error):
    """The issuer has no key with this id."""


class IssuerUnavailableError(TransientError):
    """The issuer's keys cannot be fetched now."""


class IssuerKeys:
    """The keys at `url`, fetched when first needed, after an hour, and for ids that are unknown.

    From an https URL over verified TLS, or from `s3://`, where functions/api/security/key_store.py copies them.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: Mapping[str | None, Any] = {}
        self._fetched_at = -float("inf")
        self._failed_at = -float("inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, key_id: str | None) -> Any:
        """The key with this id, or the only one where a token names none.

        Raises UnknownKeyError, and IssuerUnavailableError when it is not known whether there is one.
        """
        known = find_key(self._keys, key_id)
        if known is not None:
            if time.monotonic() - self._fetched_at > KEYS_LIVE_SECONDS:
                self._fetch_in_background()
            return known
        self._fetch_in_background()
        if self._fetching is not None:
            await asyncio.wait({self._fetching}, timeout=WAIT_SECONDS)
        known = find_key(self._keys, key_id)
        if known is not None:
            return known
        if self._fetching is not None or self._failed_at > self._fetched_at:
            raise IssuerUnavailableError("the keys of the issuer cannot be fetched now", url=self._url)
        raise UnknownKeyError("the issuer does not have this key")

    def _fetch_in_background(self) -> None:
        now = time.monotonic()
        is_recent = now - self._fetched_at <= KEYS_AGAIN_SECONDS or now - self._failed_at <= FAILED_AGAIN_SECONDS
        if self._fetching is None and not is_recent:
            self._fetching = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        try:
            self._keys = parsed_keys(await asyncio.to_thread(_fetch, self._url))
            self._fetched_at = time.monotonic()
        except (OSError, ValueError) as error:
            # a key that we have stays good while its issuer is away
            logger.warning("the issuer's keys cannot be fetched", error=str(error))
            self._failed_at = time.monotonic()
        finally:
            self._fetching = None


def find_key(keys: Mapping[str | None, Any], key_id: str | None) -> Any:
    """The key with this id, or the only one where none is named; None when there is none."""
    if key_id is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(key_id)


def parsed_keys(keys: dict[str, Any]) -> dict[str | None, Any]:
    """A JSON Web Key Set by key id. Raises ValueError."""
    from jwt import PyJWKSet, PyJWTError  # here, since cryptography costs a cold start that open APIs do not need

    try:
        return {key.key_id: key for key in PyJWKSet.from_dict(keys).keys}
    except (PyJWTError, AttributeError, TypeError) as error:
        raise ValueError(f"not a JSON Web Key Set: {error}") from None


def _fetch(url: str) -> dict[str, Any]:
    if url.startswith(SCHEME):
        return stored_keys(url)
    deadline = time.monotonic() + _FETCH_SECONDS
    content = b""
    with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310 - the settings take https only
        while part := answer.read1(65_536):
            content += part
            if time.monotonic() > deadline or len(content) > _MOST_BYTES:
                raise OSError("the answer is too slow or too long")
    keys: dict[str, Any] = json.loads(content)
    return keys
