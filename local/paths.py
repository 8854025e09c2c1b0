"""Where the local platform keeps its files: one state folder, the repository, and the installed environments."""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENTS = REPOSITORY / ".environments"
LOCALSTACK_PYTHON = ENVIRONMENTS / "localstack" / "bin" / "python"
LAMBDA_RUNTIME_PYTHON = ENVIRONMENTS / "lambda-runtime" / "bin" / "python"
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"


@dataclass(frozen=True)
class Paths:
    """The files below one state folder. Two state folders are two independent platforms on one machine."""

    state: Path

    @classmethod
    def default(cls) -> "Paths":
        """`$C360_STATE_DIR`, or `.c360` in the repository."""
        return cls(Path(os.environ.get("C360_STATE_DIR") or REPOSITORY / ".c360").resolve())

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
    def stack_file(self) -> Path:
        return self.state / "stack.json"

    @property
    def lock_file(self) -> Path:
        return self.state / "lock"
