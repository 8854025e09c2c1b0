"""A local stack whose app is a tiny one, synthesized already, so that it is up in seconds."""

import json
from dataclasses import dataclass, field

import psutil

from local import processes
from local.deployment.aws import ADMIN_SECRET
from local.deployment.deploy import CdkApp, Progress
from local.servers.localstack import LocalStack
from local.stack import EmbeddedStack, StackOptions
from local.state import State

FUNCTION = "def handle(event, context):\n    return 1\n"


class TinyApp(CdkApp):
    """A cloud assembly written by hand: one stack without assets, which needs no synth and no bootstrap."""

    def synth(self, _progress: Progress) -> str:
        self.out.mkdir(parents=True, exist_ok=True)
        artifact = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://000000000000/us-east-1",
            "properties": {"templateFile": "template.json", "stackName": "C360-Data"},
        }
        (self.out / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"C360-Data": artifact}}))
        (self.out / "template.json").write_text(json.dumps(self.template()))
        return json.dumps(self.context)

    def template(self) -> dict[str, object]:
        variables = {
            "DATABASE_USER": "c360_admin",
            "DATABASE_HOST": self.context["database_host"],
            "DATABASE_PORT": self.context["database_port"],
            "DATABASE_NAME": self.context["database_name"],
            "DATABASE_SSL_MODE": self.context.get("database_ssl_mode", "disable"),
            "DATABASE_SSL_ROOT_CERT": self.context.get("database_ssl_root_cert", ""),
            "DATABASE_SECRET_ARN": ADMIN_SECRET,
        }
        function = {
            "Runtime": "python3.13",
            "Handler": "index.handle",
            "Role": "arn:aws:iam::000000000000:role/test",
            "Code": {"ZipFile": FUNCTION},
            "Environment": {"Variables": variables},
        }
        values = {
            "LandingBucketName": {"Ref": "Bucket"},
            "StateMachineArn": "arn",
            "RestApiId": "id",
            "ApiStage": "v1",
            "ApiFunctionName": {"Ref": "Function"},
        }
        return {
            "Resources": {
                "Bucket": {"Type": "AWS::S3::Bucket"},
                "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            },
            "Outputs": {name: {"Value": value} for name, value in values.items()},
        }

    def bootstrap(self, endpoint: str, progress: Progress) -> None:
        """Nothing in this app needs it."""


class TinyStack(EmbeddedStack):
    app: type[CdkApp] = TinyApp

    def _app(self, localstack: LocalStack, database_context: dict[str, str]) -> CdkApp:
        app = super()._app(localstack, database_context)
        return self.app(app.out, app.home, app.log, app.context, app.key)


@dataclass
class Lines:
    """Keeps what an `up` or `down` reports."""

    said: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        self.said.append(line)

    def __contains__(self, part: str) -> bool:
        return any(part in line for line in self.said)


def tiny_options() -> StackOptions:
    """Free ports, and a PostgreSQL of its own."""
    ports = [processes.free_port() for _ in range(3)]
    return StackOptions(
        localstack_port=ports[0],
        postgres_port=ports[1],
        api_port=ports[2],
        kafka_port=processes.free_port(27000),
        database_url=None,
    )


def processes_of(stack: TinyStack) -> list[psutil.Process]:
    """Every process whose folder, command or log belongs to the stack's state folder, or serves its API."""
    found = []
    state = str(stack.paths.state)
    port = str(stack._parts(State.load(stack.paths.stack_file)).api.port)
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            serves_api = "local.servers.api_process" in command and port in command
            if serves_api or process.cwd().startswith(state) or state in " ".join(command):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill(part: str, stack: TinyStack) -> None:
    """Kill a part as the system does that runs out of memory."""
    pid = getattr(stack.status(), part).pid
    assert pid is not None
    victim = psutil.Process(pid)
    victim.kill()
    victim.wait(5)
