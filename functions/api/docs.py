"""Swagger UI at /docs and ReDoc at /redoc, without internet: their files are those that a package carries."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import Response

_ASSETS = "fastapi_standalone_docs"
_CACHED = {"Cache-Control": "public, max-age=86400"}
_SCRIPT = "text/javascript"

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def swagger(request: Request) -> Response:
    """The page; it finds its files and openapi.json below the public root path."""
    root_path: str = request.scope.get("root_path", "")
    return get_swagger_ui_html(
        openapi_url=f"{root_path}/openapi.json",
        title=f"{request.app.title}: try it",
        swagger_js_url=f"{root_path}/docs/swagger-ui.js",
        swagger_css_url=f"{root_path}/docs/swagger-ui.css",
        swagger_favicon_url="data:,",
    )


@router.get("/redoc")
async def redoc(request: Request) -> Response:
    """The page to read."""
    root_path: str = request.scope.get("root_path", "")
    return get_redoc_html(
        openapi_url=f"{root_path}/openapi.json",
        title=f"{request.app.title}: reference",
        redoc_js_url=f"{root_path}/redoc/redoc.js",
        redoc_favicon_url="data:,",
        with_google_fonts=False,
    )


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
