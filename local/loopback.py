"""The names by which the servers of this machine may be called."""

import os

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def allowed_hosts() -> tuple[str, ...]:
    """Loopback's names, and those of `$C360_ALLOWED_HOSTS` (comma-separated): a tunnel's, or a proxy's."""
    more = os.environ.get("C360_ALLOWED_HOSTS", "").split(",")
    return (*_LOOPBACK, *(name.strip() for name in more if name.strip()))
