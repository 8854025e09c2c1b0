"""Lambda handler that keeps a copy of the issuer's keys in S3: by schedule, and as a custom resource in deployments.

It runs outside of the VPC, from which the issuer cannot be reached.
"""

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from functions.api.security.key_store import forget, store_published
from functions.api.settings import HTTPS_URL
from functions.common.custom_resource import answered
from functions.common.logging import logger
from functions.common.settings import Settings


class KeysSettings(Settings):
    """`jwt_keys_published`: where the issuer publishes them. `jwt_jwks_url`: where the API reads them, in S3."""

    jwt_keys_published: Annotated[str, Field(pattern=HTTPS_URL, min_length=1)]
    jwt_jwks_url: Annotated[str, Field(pattern=r"^s3://[^/]+/.+$")]


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Copy the keys. On Create and Update answer CloudFormation, whose deployment fails when they cannot be had.

    On Delete the copy is removed. By schedule, raises IssuerKeysError; the copy then stays as it is.
    """
    settings = KeysSettings.from_environment()
    if "ResponseURL" not in event:
        return _refresh(settings)
    return answered(
        event,
        context,
        "c360-issuer-keys",
        lambda: _refresh(settings),
        remove=lambda: forget(settings.jwt_jwks_url),
    )


def _refresh(settings: KeysSettings) -> dict[str, str]:
    ids = store_published(settings.jwt_keys_published, settings.jwt_jwks_url)
    logger.info("the issuer's keys are stored", extra={"key_ids": ids})
    return {"KeyIds": ",".join(ids)}
