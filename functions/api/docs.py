"""Swagger UI at /docs and ReDoc at /redoc, without internet: their files are those that a package carries."""

from functools import cache
from html import escape
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from functions.api.security.headers import PAGE_POLICY

_ASSETS = "fastapi_standalone_docs"
_CACHED = {"Cache-Control": "public, max-age=86400"}
_SCRIPT = "text/javascript"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
{head}</head>
<body>
{body}
</body>
</html>
"""
_SWAGGER_HEAD = '<link rel="stylesheet" href="{root}/docs/swagger-ui.css">\n'
_SWAGGER_BODY = """<div id="swagger-ui" data-url="{root}/openapi.json"></div>
<script src="{root}/docs/swagger-ui.js"></script>
<script src="{root}/docs/start.js"></script>"""
_SWAGGER_START = """SwaggerUIBundle({
    url: document.getElementById("swagger-ui").dataset.url,
    dom_id: "#swagger-ui",
    layout: "BaseLayout",
    deepLinking: true,
    showExtensions: true,
    showCommonExtensions: true,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""
_REDOC_HEAD = '<link rel="stylesheet" href="{root}/redoc/redoc.css">\n'
_REDOC_BODY = """<noscript>The reference needs JavaScript.</noscript>
<redoc spec-url="{root}/openapi.json"></redoc>
<script src="{root}/redoc/redoc.js"></script>"""
_REDOC_STYLE = "body { margin: 0; padding: 0; }\n"
_REDOC_POLICY = f"{PAGE_POLICY}; worker-src blob:".replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""ReDoc writes its styles into the page, and searches in a worker that it makes itself."""

router = APIRouter(include_in_schema=False)


def _page(request: Request, title: str, head: str, body: str, policy: str) -> Response:
    root = escape(request.scope.get("root_path", ""))
    text = _PAGE.format(
        title=escape(f"{request.app.title}: {title}"), head=head.format(root=root), body=body.format(root=root)
    )
    return HTMLResponse(text, headers={"Content-Security-Policy": policy})


@router.get("/docs")
async def swagger(request: Request) -> Response:
    """The page; it finds its files and openapi.json below the public root path."""
    return _page(request, "try it", _SWAGGER_HEAD, _SWAGGER_BODY, PAGE_POLICY)


@router.get("/redoc")
async def redoc(request: Request) -> Response:
    """The page to read."""
    return _page(request, "reference", _REDOC_HEAD, _REDOC_BODY, _REDOC_POLICY)


@router.get("/docs/start.js")
async def swagger_start() -> Response:
    """What starts Swagger UI: a file, since the page's policy allows no script inside it."""
    return Response(_SWAGGER_START, media_type=_SCRIPT, headers=_CACHED)


@router.get("/redoc/redoc.css")
async def redoc_style() -> Response:
    """The page's own style."""
    return Response(_REDOC_STYLE, media_type="text/css", headers=_CACHED)


@router.get("/docs/swagger-ui.js")
async def swagger_script() -> Response:
    """Swagger UI's script."""
    return Response(_asset("swagger/swagger-ui-bundle.js"), media_type=_SCRIPT, headers=_CACHED)


@router.get("/docs/swagger-ui.css")
async def swagger_style() -> Response:
    """Swagger UI's style sheet."""
    return Response(_asset("swagger/swagger-ui.css"), media_type="text/css", headers=_CACHED)


@router.get("/redoc/redoc.js")
async def redoc_script() -> Response:
    """ReDoc's script."""
    return Response(_asset("redoc/redoc.standalone.js"), media_type=_SCRIPT, headers=_CACHED)


@router.get("/redoc/logo-mini.svg")
async def redoc_logo() -> Response:
    """The picture at the foot of ReDoc's menu, which its script asks for."""
    return Response(_asset("redoc/logo-mini.svg"), media_type="image/svg+xml", headers=_CACHED)


@cache
def _asset(name: str) -> bytes:
    return (files(_ASSETS) / "static" / name).read_bytes()
