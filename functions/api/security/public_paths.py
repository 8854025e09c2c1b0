"""The paths that ask for nothing: neither the app for a scope, nor API Gateway for a key."""

PUBLIC = ("/healthz", "/readyz", "/openapi.json", "/docs", "/docs/", "/redoc", "/redoc/", "/dashboard", "/dashboard/")
"""Paths, and with a slash at the end prefixes of paths, that answer no data of the warehouse."""


def is_public(path: str) -> bool:
    """Whether a path answers to everybody."""
    return path in PUBLIC or any(path.startswith(prefix) for prefix in PUBLIC if prefix.endswith("/"))
