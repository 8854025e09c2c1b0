"""Hand the state machine what is to be done for many files: in the state, or, of very many, as an object in S3."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from functions.common.aws import aws_failures_named
from functions.common.errors import LandingUnavailableError
from functions.common.landing import MANIFEST_PREFIX

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

INLINE_LIMIT = 1_000
"""Items in the state. An execution's history holds 25,000 events ("Step Functions service quotas"), of which splitting
or staging a file takes 7; above that the children of a Distributed Map have histories of their own."""


def write_manifest(
    s3: "S3Client", bucket: str, run_id: str, name: str, items: Sequence[Mapping[str, int]]
) -> str | None:
    """The key of an object that holds the items, a JSON array; None when they are few enough for the state.

    Writing it again replaces it, so a step that is retried hands over what it finds then. Raises
    LandingUnavailableError when S3 cannot take it now.
    """
    if len(items) <= INLINE_LIMIT:
        return None
    key = f"{MANIFEST_PREFIX}{run_id}/{name}.json"
    with aws_failures_named("S3", LandingUnavailableError):
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(items).encode(), ContentType="application/json")
    return key
