"""The issuer's keys in S3: a function with a route to the internet copies them there, the API reads them there."""

import json
import urllib.request
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from functions.common.errors import C360Error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEME = "s3://"
MOST_BYTES = 64 << 10
_SECONDS = 10
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})
"""Of a private or symmetric key (RFC 7518, section 6)."""


class IssuerKeysError(C360Error):
    """The issuer publishes nothing that tokens can be verified with; what is stored stays as it is."""


def stored_keys(url: str, s3: "S3Client | None" = None) -> dict[str, Any]:
    """The key set at `s3://bucket/key`. Raises OSError when it cannot be read, ValueError when it is no JSON."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = _place(url)
    try:
        content = (s3 or _client()).get_object(Bucket=bucket, Key=key)["Body"].read(MOST_BYTES)
    except (BotoCoreError, ClientError) as error:
        raise OSError(str(error)) from error
    keys: dict[str, Any] = json.loads(content)
    return keys


def store_published(published_at: str, url: str, s3: "S3Client | None" = None) -> list[str]:
    """Copy the issuer's key set from the https URL `published_at` to `url`; return the ids of its keys.

    Raises IssuerKeysError when it cannot be fetched or is not a set of public keys.
    """
    content = _published(published_at)
    ids = _ids(content, published_at)
    bucket, key = _place(url)
    (s3 or _client()).put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/jwk-set+json")
    return ids


def forget(url: str, s3: "S3Client | None" = None) -> None:
    """Remove what is stored, so that its bucket can be deleted."""
    bucket, key = _place(url)
    (s3 or _client()).delete_object(Bucket=bucket, Key=key)


def _published(url: str) -> bytes:
    # without a handler of http, a redirect that leaves TLS is an error
    opener = urllib.request.OpenerDirector()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ]
    if url.startswith("http://"):  # an issuer on this machine
        handlers.append(urllib.request.HTTPHandler())
    for handler in handlers:
        opener.add_handler(handler)
    try:
        with opener.open(url, timeout=_SECONDS) as answer:
            content: bytes = answer.read(MOST_BYTES + 1)
    except OSError as error:
        raise IssuerKeysError(f"the issuer's keys cannot be fetched: {error}", url=url) from error
    if len(content) > MOST_BYTES:
        raise IssuerKeysError(f"the issuer's keys are more than {MOST_BYTES >> 10} KiB", url=url)
    return content


def _ids(content: bytes, url: str) -> list[str]:
    from jwt import PyJWKSet, PyJWTError

    try:
        published = json.loads(content)
        keys = published["keys"]
        if any(_SECRET_MEMBERS & key.keys() for key in keys):
            raise IssuerKeysError("the issuer publishes a key that must stay secret", url=url)
        return [key.key_id or "" for key in PyJWKSet.from_dict(published).keys]
    except (PyJWTError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise IssuerKeysError(f"what the issuer publishes is no JSON Web Key Set: {error}", url=url) from error


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc, parts.path.lstrip("/")


@cache
def _client() -> "S3Client":
    import boto3  # here, since only APIs that ask for tokens need it
    from botocore.config import Config

    # a request waits for it
    config = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 2})
    return boto3.client("s3", config=config)
