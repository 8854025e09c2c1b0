"""The access keys with which callers sign for LocalStack."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

_ID, _SECRET = "C360_ACCESS_KEY_ID", "C360_SECRET_ACCESS_KEY"


@dataclass(frozen=True)
class AccessKey:
    """An id and its secret."""

    id: str
    secret: str = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that hand it to a process of the platform; none for the shared one."""
        if self == SHARED:
            return {}
        return {_ID: self.id, _SECRET: self.secret}

    @classmethod
    def from_environment(cls) -> "AccessKey":
        """The key that this process was handed."""
        return cls(os.environ[_ID], os.environ[_SECRET]) if _ID in os.environ else SHARED

    @classmethod
    def kept(cls, file: Path) -> "AccessKey":
        """This installation's own: made at the first time, kept in `file`, readable by its owner only."""
        try:
            return cls(**json.loads(file.read_text()))
        except FileNotFoundError:
            key = cls(f"C360{secrets.token_hex(7).upper()}", secrets.token_urlsafe(30))
            file.touch(mode=0o600)
            file.write_text(json.dumps(asdict(key)))
            return key


SHARED = AccessKey("test", "test")
"""What LocalStack takes from everyone by default."""
