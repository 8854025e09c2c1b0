"""Whose request it is: the check of an AWS signature, version 4, in the headers or in the URL.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM}\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_UNSIGNED = "UNSIGNED-PAYLOAD"
_CLOCKS_DIFFER_BY = timedelta(minutes=15)


class SignatureError(Exception):
    """The request is of nobody we know; `code` is AWS's name for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class SignedRequest:
    """A request as it was sent: `path` and `query` are encoded still, `headers` are pairs in lower case."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: Callable[[], bytes]

    def header(self, name: str) -> str | None:
        values = [value for each, value in self.headers if each == name]
        return ",".join(" ".join(value.split()) for value in values) if values else None


def check(request: SignedRequest, secret_of: Callable[[str], str | None], now: datetime | None = None) -> None:
    """Raise `SignatureError` unless the request is signed, just now, with a key whose secret `secret_of` knows."""
    now = now or datetime.now(UTC)
    authorization = request.header("authorization")
    asked = parse_qs(request.query)
    if authorization is not None:
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            raise SignatureError("IncompleteSignature", "sign with AWS Signature Version 4")
        credential, names, signature = match["credential"], match["headers"].split(";"), match["signature"]
        stamp, valid = request.header("x-amz-date") or "", _CLOCKS_DIFFER_BY
        query, payload = request.query, request.header("x-amz-content-sha256") or _digest(request.body())
    elif asked.get("X-Amz-Algorithm") == [_ALGORITHM]:
        credential, stamp, signature = (_only(asked, f"X-Amz-{name}") for name in ("Credential", "Date", "Signature"))
        names = _only(asked, "X-Amz-SignedHeaders").split(";")
        seconds = _only(asked, "X-Amz-Expires")
        valid = timedelta(seconds=int(seconds) if seconds.isdecimal() else 0)
        pairs = request.query.split("&")
        query = "&".join(pair for pair in pairs if not pair.startswith("X-Amz-Signature="))
        payload = request.header("x-amz-content-sha256") or _UNSIGNED
    else:
        raise SignatureError("MissingAuthenticationToken", "the request is not signed")
    key_id, day, region, service = _scope(credential)
    secret = secret_of(key_id)
    if secret is None:
        raise SignatureError("UnrecognizedClientException", "the access key is none of this installation")
    _check_time(stamp, day, now, valid)
    if "host" not in names:
        raise SignatureError("IncompleteSignature", "the Host is not signed")
    canonical = "\n".join(
        [
            request.method,
            request.path if service == "s3" else quote(_normal(request.path), safe="/~"),
            "&".join("=".join(pair) for pair in sorted(_pairs(query))),
            *(f"{name}:{request.header(name) or ''}" for name in names),
            "",
            ";".join(names),
            payload,
        ]
    )
    to_sign = "\n".join([_ALGORITHM, stamp, f"{day}/{region}/{service}/aws4_request", _digest(canonical.encode())])
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), signature):
        raise SignatureError("SignatureDoesNotMatch", "the signature is not that of the access key's secret")


def _scope(credential: str) -> tuple[str, str, str, str]:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise SignatureError("IncompleteSignature", "the credential has no scope")
    return parts[0], parts[1], parts[2], parts[3]


def _check_time(stamp: str, day: str, now: datetime, valid: timedelta) -> None:
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise SignatureError("IncompleteSignature", "the request has no X-Amz-Date") from None
    if not stamp.startswith(day) or not -_CLOCKS_DIFFER_BY <= now - signed_at <= valid:
        raise SignatureError("RequestExpired", "the request was signed too long ago, or by another clock")


def _only(asked: dict[str, list[str]], name: str) -> str:
    values = asked.get(name, [])
    if len(values) != 1:
        raise SignatureError("IncompleteSignature", f"{name} must be there once")
    return values[0]


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for pair in query.split("&") if pair for name, _, value in [pair.partition("=")]]


def _normal(path: str) -> str:
    normal = posixpath.normpath(f"/{path.lstrip('/')}")
    return f"{normal}/" if path.endswith("/") and normal != "/" else normal


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
