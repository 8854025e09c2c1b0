"""Swagger UI at /docs, without internet: its files are those that Powertools for AWS Lambda carries."""

from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import Response

_ASSETS = files("aws_lambda_powertools") / "event_handler" / "openapi" / "swagger_ui"
_CACHED = {"Cache-Control": "public, max-age=86400"}

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> Response:
    """The page; it finds its files and openapi.json below the public root path."""
    root_path: str = request.scope.get("root_path", "")
    return get_swagger_ui_html(
        openapi_url=f"{root_path}/openapi.json",
        title=f"{request.app.title}: try it",
        swagger_js_url=f"{root_path}/docs/swagger-ui.js",
        swagger_css_url=f"{root_path}/docs/swagger-ui.css",
        swagger_favicon_url="data:,",
    )


@router.get("/docs/swagger-ui.js")
def script() -> Response:
    """Swagger UI's script."""
    content = (_ASSETS / "swagger-ui-bundle.min.js").read_bytes()
    return Response(content, media_type="text/javascript", headers=_CACHED)


@router.get("/docs/swagger-ui.css")
def style() -> Response:
    """Swagger UI's style sheet."""
    return Response((_ASSETS / "swagger-ui.min.css").read_bytes(), media_type="text/css", headers=_CACHED)
