"""The Customer 360 API. `uvicorn functions.api.app:app` serves it; `functions.api.handler` does in Lambda."""

from typing import Any

from fastapi import Depends, FastAPI
from pydantic.json_schema import models_json_schema

from functions.api import docs, problems
from functions.api.answers import Problem
from functions.api.database import Database
from functions.api.http import Compression, CrossOrigin, HeadMiddleware
from functions.api.middleware import REQUEST_ID_HEADER, RequestMiddleware
from functions.api.paging.cache import Cache
from functions.api.paging.parameters import each_given_once
from functions.api.paging.together import Together
from functions.api.readiness import kept_ready
from functions.api.resources import (
    customers,
    dashboard,
    events,
    explain,
    exports,
    metrics,
    operations,
    orders,
    pipeline,
    products,
    profile,
    search,
    shares,
)
from functions.api.resources.event_feed import Feed
from functions.api.security.audit import Audited
from functions.api.security.audit_trail import audit_trail
from functions.api.security.authentication import AuthenticationMiddleware
from functions.api.security.hosts import ANY, HostMiddleware
from functions.api.security.keys import ApiKeyMiddleware
from functions.api.settings import ApiSettings

VERSION = "1.0.0"

_DESCRIPTION = """One trustworthy picture of every customer: who they are, what they bought, what they are worth.

**Lists** answer `items`, the true `total`, and `next`, the URL of the following page, which costs the same at any depth
and neither repeats nor misses an item when others are inserted. `sort` takes a field, or `-field` for the largest
first; between equals the key decides, in the same direction. `fields` selects what an item shows.

**Amounts** are JSON numbers written exactly from the stored decimals, with at least two decimals; read them with a
decimal type to add them up without a rounding error. Times are ISO 8601 in UTC.

**Two times.** `as_of` asks what was true at an instant by the dates of the files, `known_at` what was loaded by then.
Such lists are not counted: `total` is null unless the list ends on its first page. In the order of ids a page looks at
1,000 ids at most, and so may hold fewer items than `limit`, even none, before the last: follow `next` until it is null.
Another `sort`, and `skip`, are for up to 150,000 order lines.

**Costly requests** (such lists, explanations, `skip` beyond 10,000) are answered one at a time, and with 503 and
`Retry-After` when too many wait. Others are not concerned.

**Caching.** Answers from the marts carry an `ETag`, which changes when the marts are published; `If-None-Match` is
answered with 304 while they have not been.

**Personal data.** Without the scope `pii:read` names, e-mail addresses, phone numbers, session ids, names of files and
whatever else the model calls personal show as `***`.

**Errors** are problem details (RFC 9457) with a `request_id`; wrong and unknown parameters are named.
"""
_TAGS = [
    {"name": "customers", "description": "Customers and their orders."},
    {"name": "profile", "description": "What is known of one customer, since when, and from where."},
    {"name": "products", "description": "Products and how they sell."},
    {"name": "orders", "description": "Order lines."},
    {"name": "metrics", "description": "Figures for dashboards."},
    {"name": "shares", "description": "Links that share a view of the dashboard."},
    {"name": "service", "description": "Whether it works, what ran, what was checked."},
]
_SECURITY_SCHEMES = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "Asked for by API Gateway, with a rate and a quota for each key.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the configured issuer with `profile:read`, and `pii:read` to see persons.",
    },
}


class Api(FastAPI):
    """FastAPI whose OpenAPI document also defines `Problem`, which no route returns by itself."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            _, definitions = models_json_schema([(Problem, "validation")], ref_template="#/components/schemas/{model}")
            document["components"]["schemas"].update(definitions["$defs"])
            document["components"]["securitySchemes"] = _SECURITY_SCHEMES
            document["security"] = [{}, *({name: []} for name in _SECURITY_SCHEMES)]
        assert self.openapi_schema is not None  # noqa: S101 - FastAPI has just built it
        return self.openapi_schema


def create_app(settings: ApiSettings, *, compress: bool = True) -> FastAPI:
    """The application; it connects to the database when first asked for something there. A server that runs its
    lifespan, which Lambda's function does not, has the dashboard ready before it is opened.

    With `compress`, long answers are compressed for callers who take that; API Gateway does so by itself.
    """
    app = Api(
        title="Customer 360",
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=_TAGS,
        lifespan=kept_ready,
    )
    app.state.database = Database(settings)
    app.state.cache = Cache()
    app.state.together = Together()
    app.state.feed = Feed(app.state.database)
    app.state.compresses = compress
    problems.install(app)
    app.add_middleware(Audited, trail=audit_trail(app.state.database, settings.audit_spool))
    app.add_middleware(AuthenticationMiddleware, settings=settings)
    if settings.api_required_key:
        app.add_middleware(ApiKeyMiddleware, key=settings.api_required_key)
    if compress:
        app.add_middleware(Compression, minimum_size=1024, compresslevel=4)
    app.add_middleware(RequestMiddleware, root_path=settings.api_root_path)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(
        CrossOrigin,
        allow_origins=settings.cors_allowed_origins,
        allow_credentials=settings.cors_allow_credentials,
        allow_methods=["GET", "HEAD"],
        allow_headers=["*"],
        expose_headers=[REQUEST_ID_HEADER, "ETag", "Retry-After", "WWW-Authenticate"],
        max_age=600,
    )
    if ANY not in settings.allowed_hosts:
        app.add_middleware(HostMiddleware, hosts=settings.allowed_hosts, origins=settings.cors_allowed_origins)
    for resource in (customers, search, orders, products, profile, metrics, explain, exports, operations):
        app.include_router(resource.router)  # each looks at its parameters itself, of which some are lists
    for resource in (pipeline, events, shares):
        app.include_router(resource.router, dependencies=[Depends(each_given_once)])
    for resource in (docs, dashboard):
        app.include_router(resource.router)
    return app


def __getattr__(name: str) -> FastAPI:
    """Make `app` when a server first asks for it, so that importing this module needs no environment."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    application = create_app(ApiSettings.from_environment())
    globals()["app"] = application
    return application
