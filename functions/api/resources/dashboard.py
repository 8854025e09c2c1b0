"""The page at /dashboard: the files that `make install` builds from dashboards/web, served as they are."""

import gzip
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from functions.api.security.headers import PAGE_POLICY

BUILT = Path(__file__).resolve().parents[3] / "dashboards" / "web" / "dist"
_HEADERS = {"Content-Security-Policy": PAGE_POLICY}
_NAMED_BY_CONTENT = re.compile(r"-[A-Za-z0-9]{8,}\.[a-z]+$")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class _File:
    content: bytes
    compressed: bytes
    kind: str
    tag: str


@router.get("/dashboard")
async def page(request: Request) -> Response:
    """The page. It finds its files and the API relative to its own address, so that has no slash at its end."""
    if request.scope.get("raw_path", b"").endswith(b"/"):
        return RedirectResponse(f"{request.scope.get('root_path', '')}/dashboard", HTTPStatus.PERMANENT_REDIRECT)
    return _file(request, "index.html")


@router.get("/dashboard/{name:path}")
async def asset(request: Request, name: str) -> Response:
    """A file that the page asks for."""
    return _file(request, name)


def _file(request: Request, name: str) -> Response:
    file = files(BUILT).get(name)
    if file is None and not BUILT.joinpath("index.html").is_file():
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, "The dashboard is not built: run `make install`, then start again."
        )
    if file is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "The dashboard has no such file.")
    headers = _HEADERS | {"Vary": "Accept-Encoding"}
    if _NAMED_BY_CONTENT.search(name):
        headers |= {"Cache-Control": "public, max-age=31536000, immutable"}
    else:
        headers |= {"Cache-Control": "no-cache", "ETag": file.tag}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    # `Compression` leaves "gzip" alone of what a caller takes, and nothing that is encoded already to compress
    if request.app.state.compresses and request.headers.get("accept-encoding") == "gzip":
        return Response(file.compressed, media_type=file.kind, headers=headers | {"Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.kind, headers=headers)


@cache
def files(folder: Path) -> dict[str, _File]:
    """The files by name; read and compressed once, so that no name leads out of the folder and no caller waits."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
            tag = f'W/"{blake2b(content, digest_size=12).hexdigest()}"'
            compressed = gzip.compress(content, mtime=0)
            found[path.relative_to(folder).as_posix()] = _File(content, compressed, kind, tag)
    return found
