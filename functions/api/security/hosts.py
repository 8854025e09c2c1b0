"""Answers those only who call this server by a name of its own, and pages of such a name.

A page on the internet that has its own name resolve to 127.0.0.1 (DNS rebinding) reads, in the browser of whoever
looks at it, a server that no firewall lets it reach; but it calls that server by the page's name.
"""

from uuid import uuid4

from starlette.types import ASGIApp, Receive, Scope, Send

from functions.api.problems import problem

ANY = "*"


class HostMiddleware:
    """Asks that every Host (421 otherwise) and every Origin (403) is one of `hosts`, on whatever port.

    `origins` are let in too: those that CORS was opened for by name.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...], origins: tuple[str, ...]) -> None:
        self.app = app
        self.hosts = {host.lower() for host in hosts}
        self.origins = set(origins) - {ANY}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (refusal := self._refusal(scope["headers"])) is None:
            await self.app(scope, receive, send)
            return
        status, detail = refusal
        await problem(str(uuid4()), status, detail)(scope, receive, send)

    def _refusal(self, headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
        if not hosts or not all(self._is_own(host) for host in hosts):
            return 421, "This server is not called that; ALLOWED_HOSTS has its names."
        if not all(origin in self.origins or self._is_own(origin.partition("://")[2]) for origin in origins):
            return 403, "Pages of this origin may not call this server; ALLOWED_HOSTS has its names."
        return None

    def _is_own(self, authority: str) -> bool:
        name = authority.lower()
        end = name.find("]") + 1 or len(name.partition(":")[0])  # an IPv6 address is in brackets
        return name[:end] in self.hosts and (name[end:] == "" or name[end] == ":")
