"""The Customer 360 API. `uvicorn functions.api.app:app` serves it; `functions.api.handler` does in Lambda."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema
from starlette.middleware.cors import CORSMiddleware

from functions.api import docs, events, problems, routes
from functions.api.database import Database
from functions.api.middleware import REQUEST_ID_HEADER, RequestMiddleware
from functions.api.models import Problem
from functions.api.settings import ApiSettings

VERSION = "1.0.0"

_DESCRIPTION = """One trustworthy picture of every customer: who they are, what they bought, what they are worth.

Lists answer `items`, the true `total`, and `next`, the URL of the following page. Amounts are JSON numbers written
exactly from the stored decimals, with at least two decimals; read them with a decimal type to add them up without
a rounding error. Times are ISO 8601 in UTC. Every error is a problem (RFC 9457) with a `request_id`.
"""


class Api(FastAPI):
    """FastAPI whose OpenAPI document also defines `Problem`, which no route returns by itself."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            _, definitions = models_json_schema([(Problem, "validation")], ref_template="#/components/schemas/{model}")
            document["components"]["schemas"].update(definitions["$defs"])
        assert self.openapi_schema is not None  # noqa: S101 - FastAPI has just built it
        return self.openapi_schema


def create_app(settings: ApiSettings) -> FastAPI:
    """The application; it connects to the database when first asked for something there."""
    app = Api(
        title="Customer 360",
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.database = Database(settings)
    problems.install(app)
    app.add_middleware(RequestMiddleware, root_path=settings.api_root_path)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_allowed_origins,
        allow_methods=["GET"],
        allow_headers=["*"],
        expose_headers=[REQUEST_ID_HEADER, "Retry-After"],
        max_age=600,
    )
    app.include_router(routes.router)
    app.include_router(events.router)
    app.include_router(docs.router)
    return app


def __getattr__(name: str) -> FastAPI:
    """Make `app` when a server first asks for it, so that importing this module needs no environment."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    application = create_app(ApiSettings.from_environment())
    globals()["app"] = application
    return application
