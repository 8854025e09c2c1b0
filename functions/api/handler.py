"""The Lambda function behind API Gateway's REST proxy: Mangum around the FastAPI app."""

import asyncio
import logging
from typing import Any

from mangum import Mangum
from mangum.handlers.api_gateway import APIGateway
from mangum.types import LambdaContext, Scope

from functions.api.app import create_app
from functions.api.metrics import emit_answer
from functions.api.problems import MEDIA_TYPE
from functions.api.settings import ApiSettings

_TEXT_TYPES = ["text/", "application/json", "image/svg+xml", MEDIA_TYPE]


class RestApiEvent(APIGateway):
    """An event of a REST API (payload format 1.0), with what Mangum leaves out.

    API Gateway hands on `path` percent-encoded as the caller sent it; Mangum decodes it, which loses the slashes
    inside a key, so the original goes to `raw_path`.
    """

    @property
    def scope(self) -> Scope:
        scope = super().scope
        scope["raw_path"] = self.event["path"].encode()
        return scope


logging.getLogger("mangum").setLevel(logging.WARNING)  # its INFO lines hold paths, and so customers' ids
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
application = create_app(ApiSettings.from_environment(), compress=False)
_mangum = Mangum(application, lifespan="off", custom_handlers=[RestApiEvent], text_mime_types=_TEXT_TYPES)


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request. The database is first connected to when a request needs it, and then kept."""
    asyncio.set_event_loop(loop)
    answer = _mangum(event, context)
    emit_answer(answer["statusCode"])
    return answer
