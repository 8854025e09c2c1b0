"""Lambda handler of the custom resource that empties a bucket just before its stack deletes it."""

from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common.custom_resource import answered
from functions.common.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer CloudFormation's request: on Delete, which comes before the bucket's own, remove all that it holds."""
    bucket = str(event["ResourceProperties"]["BucketName"])
    return answered(event, context, bucket, dict, remove=lambda: empty(boto3.client("s3"), bucket))


def empty(s3: "S3Client", bucket: str) -> None:
    """Remove every version of every object."""
    removed = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if found:
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
            removed += len(found)
    logger.info("emptied", extra={"bucket": bucket, "removed": removed})
