"""PostgreSQL behind one interface, whoever serves it, so that functions do not know the target."""

import json
from abc import abstractmethod
from dataclasses import dataclass
from enum import StrEnum

from aws_cdk import SecretValue, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config import DeploymentConfig


class Role(StrEnum):
    """Database roles (sql/roles). ADMIN is the migrator: it owns the schemas and creates the others."""

    ADMIN = "admin"
    LOADER = "c360_loader"
    API = "c360_api"
    STREAM = "c360_stream"
    BI = "c360_bi"
    BI_PERSONS = "c360_bi_persons"


SERVICE_ROLES = tuple(role for role in Role if role is not Role.ADMIN)


@dataclass(frozen=True)
class Network:
    """Where a function must run to reach the database."""

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    security_groups: list[ec2.ISecurityGroup]


class Database(Construct):
    """What a stack may ask of the database. `host`, `port` and `name` may be tokens."""

    host: str
    port: str
    name: str

    @abstractmethod
    def environment(self, role: Role) -> dict[str, str]:
        """DATABASE_* variables (functions/common/settings.py) of a function that signs in as `role`."""

    @abstractmethod
    def grant_connect(self, function: lambda_.Function, role: Role) -> None:
        """Let the function sign in as `role`: read that role's secret, or ask for an IAM token of it."""

    def network(self, role: Role, *, reads_landing: bool = False) -> Network | None:  # noqa: ARG002
        """Where a function of `role` runs; None: anywhere. `reads_landing`: it reaches S3 as well."""
        return None


def password_secret(scope: Construct, role: Role) -> secretsmanager.Secret:
    """A secret with a random password for the role, which the migrator sets."""
    return secretsmanager.Secret(
        scope,
        f"{role.name.title().replace('_', '')}Secret",
        description=f"PostgreSQL role {role}",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=json.dumps({"username": role}),
            generate_string_key="password",
            exclude_punctuation=True,
            password_length=32,
        ),
    )


class ExternalDatabase(Database):
    """A PostgreSQL server that exists already: the embedded one, or the compose file's (LocalStack only).

    Its admin secret exists as well; the other roles' secrets are made here, and the migrator sets their passwords.
    """

    def __init__(self, scope: Construct, construct_id: str, deployment: DeploymentConfig) -> None:
        super().__init__(scope, construct_id)
        self.host = deployment.database_host
        self.port = str(deployment.database_port)
        self.name = deployment.database_name
        self._ssl_mode = deployment.database_ssl_mode
        self._ssl_root_cert = deployment.database_ssl_root_cert
        self._secrets: dict[Role, secretsmanager.ISecret] = {
            role: password_secret(self, role) for role in SERVICE_ROLES
        }
        self._secrets[Role.ADMIN] = secretsmanager.Secret.from_secret_name_v2(
            self, "AdminSecret", deployment.database_admin_secret
        )

    def secret_arn(self, role: Role) -> str:
        """The secret that holds the role's password."""
        return self._secrets[role].secret_arn

    def environment(self, role: Role) -> dict[str, str]:
        secret = self._secrets[role]
        variables = {
            "DATABASE_HOST": self.host,
            "DATABASE_PORT": self.port,
            "DATABASE_NAME": self.name,
            "DATABASE_USER": role.value,
            "DATABASE_AUTH": "secret",
            "DATABASE_SECRET_ARN": secret.secret_arn,
            "DATABASE_SSL_MODE": self._ssl_mode,
            **({"DATABASE_SSL_ROOT_CERT": self._ssl_root_cert} if self._ssl_root_cert else {}),
        }
        if role is Role.ADMIN:
            # The administrator's name is only in the secret; Secrets Manager takes a name in place of an ARN.
            user = SecretValue.secrets_manager(secret.secret_name, json_field="username")
            variables["DATABASE_USER"] = user.unsafe_unwrap()
            variables["DATABASE_SECRET_ARN"] = secret.secret_name
            variables["DATABASE_ROLE_SECRETS"] = Stack.of(self).to_json_string(
                {service.value: self._secrets[service].secret_arn for service in SERVICE_ROLES}
            )
        return variables

    def grant_connect(self, function: lambda_.Function, role: Role) -> None:
        self._secrets[role].grant_read(function)
        if role is Role.ADMIN:
            for service in SERVICE_ROLES:
                self._secrets[service].grant_read(function)
