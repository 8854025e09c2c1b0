"""The database as a BI tool reaches it, and the role that reads it."""

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit


@dataclass(frozen=True)
class BiConnection:
    """Where the database is, for the tool that connects. `tls`: the server asks for it."""

    host: str
    port: int
    name: str
    user: str
    password: str
    tls: bool = False

    @classmethod
    def from_url(cls, url: str) -> "BiConnection":
        """Of postgresql://user:password@host:port/name[?sslmode=require]. Raises ValueError when a part is missing."""
        parts = urlsplit(url)
        if not (parts.scheme in ("postgresql", "postgres") and parts.hostname and parts.username and parts.password):
            raise ValueError("a postgresql:// URL with user, password, host and database name is needed")
        tls = "sslmode=" in parts.query and "sslmode=disable" not in parts.query
        user, password = unquote(parts.username), unquote(parts.password)
        return cls(parts.hostname, parts.port or 5432, parts.path.lstrip("/"), user, password, tls)

    @property
    def url(self) -> str:
        """postgresql://…, with its password."""
        who = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{who}@{self.host}:{self.port}/{self.name}{'?sslmode=require' if self.tls else ''}"
