"""The paths that ask for nothing: neither the app for a scope, nor API Gateway for a key."""

PUBLIC = ("/healthz", "/readyz", "/openapi.json", "/docs", "/docs/", "/redoc", "/redoc/", "/dashboard", "/dashboard/")
"""Paths, and with a slash at the end prefixes of paths, that answer no data of the warehouse."""


WAKING = "/readyz"
"""The one that asks the database, and so would keep a paused one awake for anybody who asks again and again."""


def public_paths(*, database_rests: bool) -> tuple[str, ...]:
    """PUBLIC, without WAKING where the database pauses when nobody uses it."""
    return tuple(path for path in PUBLIC if not (database_rests and path == WAKING))


def is_public(path: str, *, database_rests: bool = False) -> bool:
    """Whether a path answers to everybody."""
    if database_rests and path == WAKING:
        return False
    return path in PUBLIC or any(path.startswith(prefix) for prefix in PUBLIC if prefix.endswith("/"))
