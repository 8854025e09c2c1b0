"""Lets in those only who sign with an access key of this installation: its own, or one of a role's session.

Without C360_ACCESS_KEY_ID in LocalStack's environment everyone is let in, as LocalStack does by itself.
"""

import json
import os
import secrets
import sys

from rolo.request import get_raw_path

from c360_localstack.hosts import is_gateways_name
from c360_localstack.signature import SignatureError, SignedRequest, check

_KEY_ID = os.environ.pop("C360_ACCESS_KEY_ID", None)
_SECRET = os.environ.pop("C360_SECRET_ACCESS_KEY", None)
_HEALTH = "/_localstack/health"
_APIS = "/_aws/execute-api/"
_INTERNAL = "INTERNAL_REQUEST_PARAMS_HEADER"

is_private = _KEY_ID is not None


def know_own_calls() -> None:
    """Name the header that LocalStack's calls of itself carry after a secret: so nobody else can send it.

    To be called before LocalStack's handlers are imported, which take the name over.
    """
    from localstack.aws import connect

    name = f"{connect.INTERNAL_REQUEST_PARAMS_HEADER}-{secrets.token_hex(16)}"
    for module in list(sys.modules.values()):
        if _INTERNAL in getattr(module, "__dict__", {}):
            setattr(module, _INTERNAL, name)


def let_holders_in(chain, context, response):
    """The gateway's handler: 403 for whoever does not sign."""
    from localstack.aws.connect import INTERNAL_REQUEST_PARAMS_HEADER

    request = context.request
    context.c360_is_api_call = False
    if INTERNAL_REQUEST_PARAMS_HEADER in request.headers:
        return
    if is_gateways_name(request.headers.get("Host", "")):
        if request.path == _HEALTH and request.method == "GET":
            return
        if request.path.startswith(_APIS):  # API Gateway asks for a key of its own
            context.c360_is_api_call = True
            return
    try:
        check(
            SignedRequest(
                request.method,
                get_raw_path(request),
                request.query_string.decode("latin-1"),
                [(name.lower(), value) for name, value in request.headers.items()],
                lambda: request.get_data(parse_form_data=False),
            ),
            _secret_of,
        )
    except SignatureError as error:
        _refuse(chain, request, response, error)


def end_api_calls(chain, context, response):
    """After the routes of APIs: what none of them has answered goes no further, to no service."""
    if context.get("c360_is_api_call"):
        response.status_code = 404
        response.set_json({"message": "Not Found"})
        chain.terminate()


def _secret_of(key_id: str) -> str | None:
    if key_id == _KEY_ID:
        return _SECRET
    from localstack.constants import AWS_REGION_US_EAST_1, DEFAULT_AWS_ACCOUNT_ID
    from localstack.services.sts.models import sts_stores

    # Also when the session has expired: LocalStack gives an environment of a function no second one.
    session = sts_stores[DEFAULT_AWS_ACCOUNT_ID][AWS_REGION_US_EAST_1].credentials.get(key_id)
    return session.secret_access_key if session else None


def _refuse(chain, request, response, error: SignatureError) -> None:
    """AWS's form of an error, as the caller's protocol has it."""
    message = f"{error}; this LocalStack was started with c360 up --private, see c360 env"
    response.status_code = 403
    if "json" in request.headers.get("Content-Type", ""):
        response.content_type = "application/x-amz-json-1.1"
        response.data = json.dumps({"__type": error.code, "message": message})
    else:
        response.content_type = "text/xml"
        content = f"<Error><Code>{error.code}</Code><Message>{message}</Message></Error>"
        response.data = f"<ErrorResponse>{content}</ErrorResponse>"
    response.headers["x-amzn-errortype"] = error.code
    chain.terminate()
