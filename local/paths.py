"""Where the local platform keeps its files: one state folder, the repository, and the installed environments."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENTS = REPOSITORY / ".environments"
LOCALSTACK_PYTHON = ENVIRONMENTS / "localstack" / "bin" / "python"
LAMBDA_RUNTIME_PYTHON = ENVIRONMENTS / "lambda-runtime" / "bin" / "python"
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
_ENTRIES = {
    *("access-key.json", "api.json", "lock", "stack.json", "stack.new"),
    *("audit-spool", "cdk-home", "cdk.out", "compose", "event-source", "kafka", "localstack", "logs", "postgres"),
    *("rds-authorities.pem", "sample", "spark", "superset"),
}


@dataclass(frozen=True)
class Paths:
    """The files below one state folder. Two state folders are two independent platforms on one machine."""

    state: Path

    @classmethod
    def default(cls) -> "Paths":
        """`$C360_STATE_DIR`, or `.c360` in the repository."""
        return cls(Path(os.environ.get("C360_STATE_DIR") or REPOSITORY / ".c360").resolve())

    @contextmanager
    def private(self) -> Iterator[None]:
        """Make the state folder and what it has already readable by its owner only; so is what is written meanwhile.

        Where root owns it, others may pass through it, but not list it: PostgreSQL's account has its data below. A
        folder with files that are not ours (`$C360_STATE_DIR` may name any) stays as open as it is.
        """
        before = os.umask(0o077)
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            entries = [entry for entry in self.state.iterdir() if not entry.is_symlink()]
            ours = [entry for entry in entries if entry.name in _ENTRIES]
            if ours == entries:
                self.state.chmod(0o711 if os.geteuid() == 0 else 0o700)
            for entry in ours:
                entry.chmod(entry.stat().st_mode & 0o700)
            yield
        finally:
            os.umask(before)

    @property
    def rds_authorities(self) -> Path:
        return self.state / "rds-authorities.pem"

    @property
    def postgres(self) -> Path:
        return self.state / "postgres"

    @property
    def localstack(self) -> Path:
        return self.state / "localstack"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def cdk_out(self) -> Path:
        return self.state / "cdk.out"

    @property
    def cdk_home(self) -> Path:
        return self.state / "cdk-home"

    @property
    def access_key_file(self) -> Path:
        return self.state / "access-key.json"

    @property
    def stack_file(self) -> Path:
        return self.state / "stack.json"

    @property
    def lock_file(self) -> Path:
        return self.state / "lock"
