"""Calls of AWS that functions make in tests: heard by an event hook of botocore, in the words of IAM.

`NEEDED` names each function's; another one fails the test that makes it. tests/infra/test_iam_calls.py makes them all,
and evaluates them against the synthesized policies.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import botocore.handlers

LOAD = "functions.load.handler"
EXPORT = "functions.load.lake.export_handler"
MIGRATE = "functions.load.schema.migrate_handler"
API = "functions.api.handler"
KEYS = "functions.api.security.keys_handler"
BROKERS = "functions.stream.brokers_handler"
ENGINE = "functions.engine.handler"

NEEDED: dict[str, frozenset[str]] = {
    LOAD: frozenset({"s3:ListBucketVersions", "s3:GetObjectVersion", "s3:PutObject"}),
    EXPORT: frozenset({"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}),
    MIGRATE: frozenset({"secretsmanager:GetSecretValue"}),
    API: frozenset({"s3:GetObject"}),
    KEYS: frozenset({"s3:PutObject", "s3:DeleteObject"}),
    BROKERS: frozenset({"kafka:GetBootstrapBrokers"}),
    ENGINE: frozenset({"s3:ListBucket", "s3:GetObject", "s3:PutObject"}),
}
"""Handler's module -> actions, on AWS."""

ELSEWHERE = frozenset({"secretsmanager:GetSecretValue", "s3:GetObject"})
"""Of functions on LocalStack, where they have passwords, and of buckets without versions, as the landing bucket has."""

_ROOMS = {
    "functions.load.lake": EXPORT,
    "functions.load.schema": MIGRATE,
    "functions.load": LOAD,
    "functions.engine": ENGINE,
    "functions.audit": LOAD,
    "functions.quality": LOAD,
    "functions.common.landing": LOAD,
    "functions.api.security.keys_handler": KEYS,
    "functions.api.security.key_store": None,  # serves two functions
    "functions.api": API,
    "functions.stream.brokers_handler": BROKERS,
    "functions.stream": "functions.stream.handler",
}
"""Whose code it is, where a test calls it without its handler; the longest name that fits counts."""


@dataclass(frozen=True)
class Call:
    """One action on one resource, as a policy names them."""

    action: str
    resource: str


_listening: list[set[Call]] = []


@contextmanager
def recorded() -> Iterator[set[Call]]:
    """All calls that this process makes meanwhile, in any thread."""
    heard: set[Call] = set()
    _listening.append(heard)
    try:
        yield heard
    finally:
        _listening.remove(heard)


def listen() -> None:
    """Hear every call of clients that are made from now on, as moto does."""
    botocore.handlers.BUILTIN_HANDLERS.append(("before-parameter-build", _hear))


def _hear(params: dict[str, Any], model: Any, **_: Any) -> None:
    calls = _calls(model.service_model.service_name, model.name, params)
    for heard in _listening:
        heard |= calls
    function = _caller()
    unknown = {call.action for call in calls} - NEEDED.get(function or "", frozenset()) - ELSEWHERE
    if function and unknown:
        raise AssertionError(
            f"{function} calls {', '.join(sorted(unknown))}: let its role do so in infra/, and name it in NEEDED"
        )


def _caller() -> str | None:
    """The function whose code makes the call; None: a test does it, or a thread that does not say whose it is."""
    frame: FrameType | None = sys._getframe(1)
    outermost = None
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("functions."):
            outermost = name
        frame = frame.f_back
    if outermost is None:
        return None
    fitting = [room for room in _ROOMS if f"{outermost}.".startswith(f"{room}.")]
    return _ROOMS[max(fitting, key=len)] if fitting else None


def _calls(service: str, operation: str, params: Mapping[str, Any]) -> set[Call]:
    """What IAM asks for (Service Authorization Reference)."""
    if service != "s3":
        resource = next((str(params[name]) for name in ("SecretId", "ClusterArn") if name in params), "*")
        return {Call(f"{service}:{operation}", resource)}
    bucket = f"arn:aws:s3:::{params.get('Bucket', '')}"
    thing = f"{bucket}/{params.get('Key', '')}"
    match operation:
        case "ListObjects" | "ListObjectsV2" | "HeadBucket":
            return {Call("s3:ListBucket", bucket)}
        case "ListObjectVersions":
            return {Call("s3:ListBucketVersions", bucket)}
        case "GetObject" | "HeadObject":
            return {Call("s3:GetObjectVersion" if params.get("VersionId") else "s3:GetObject", thing)}
        case "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload":
            return {Call("s3:PutObject", thing)}
        case "DeleteObjects":
            return {Call("s3:DeleteObject", f"{bucket}/{each['Key']}") for each in params["Delete"]["Objects"]}
        case _:
            return {Call(f"s3:{operation}", thing)}
