"""Answers those only who call LocalStack by a name of its own, and pages of such a name.

LocalStack's own check exempts S3 and the APIs of API Gateway and asks nobody for the Host, so a page that has its own
name resolve to 127.0.0.1 (DNS rebinding) would read the objects' content.
"""

import os

_NAMES = {name.lower() for name in os.environ["C360_ALLOWED_HOSTS"].split(",")} | {"localhost.localstack.cloud"}
_SUFFIXES = (".localhost", ".localhost.localstack.cloud")  # of a bucket or an API, say
_APIS = "/_aws/execute-api/"


def refuse_foreign_names(chain, context, response):
    """The gateway's first handler."""
    headers = context.request.headers
    origins = headers.getlist("Origin")
    hosts = headers.getlist("Host")
    if not hosts or not all(_is_own(host) for host in hosts):
        return _refuse(chain, response, 421, "LocalStack is not called that (C360_ALLOWED_HOSTS adds names)")
    if not all(_is_own(origin.partition("://")[2]) for origin in origins):
        return _refuse(chain, response, 403, "pages of this origin may not call LocalStack")
    if not origins and headers.get("Sec-Fetch-Site") == "cross-site" and not _is_link_to_an_api(context.request):
        return _refuse(chain, response, 403, "pages of another site may not call LocalStack")
    return None


def is_gateways_name(authority: str) -> bool:
    """Whether a Host is the gateway's own, and not that of a bucket, a function or an API behind it."""
    name, port = _split(authority)
    return name in _NAMES and port[:1] in ("", ":")


def _is_own(authority: str) -> bool:
    name, port = _split(authority)
    return (name in _NAMES or name.endswith(_SUFFIXES)) and port[:1] in ("", ":")


def _split(authority: str) -> tuple[str, str]:
    name = authority.lower()
    end = name.find("]") + 1 or len(name.partition(":")[0])  # an IPv6 address is in brackets
    return name[:end], name[end:]


def _is_link_to_an_api(request) -> bool:
    """A browser says of an image or a link where it comes from, but sends no Origin; the APIs only read on GET."""
    return request.path.startswith(_APIS) and request.headers.get("Sec-Fetch-Mode") == "navigate"


def _refuse(chain, response, status: int, why: str) -> None:
    response.status_code = status
    response.data = f"{why}\n"
    response.content_type = "text/plain"
    chain.terminate()
