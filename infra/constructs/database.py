"""PostgreSQL behind one interface, whoever serves it, so that functions do not know the target."""

import json
from abc import abstractmethod
from enum import StrEnum

from aws_cdk import SecretValue, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config import DeploymentConfig
from infra.constructs.bundle import CERTIFICATES
from infra.constructs.nag import accept
from infra.constructs.network import DatabaseNetwork, ExistingNetwork, Network

CA_FILE = f"/var/task/{CERTIFICATES}"
"""The authorities of RDS, in every function's bundle."""


class Role(StrEnum):
    """Database roles (sql/roles). ADMIN is the migrator: it owns the schemas and creates the others."""

    ADMIN = "admin"
    LOADER = "c360_loader"
    API = "c360_api"
    STREAM = "c360_stream"
    BI = "c360_bi"
    BI_PERSONS = "c360_bi_persons"


SERVICE_ROLES = tuple(role for role in Role if role is not Role.ADMIN)


class Database(Construct):
    """What a stack may ask of the database. `host`, `port` and `name` may be tokens."""

    host: str
    port: str
    name: str
    place: DatabaseNetwork | None = None
    """The network it is reached in; None: no function needs one."""

    @abstractmethod
    def environment(self, role: Role) -> dict[str, str]:
        """DATABASE_* variables (functions/common/settings.py) of a function that signs in as `role`."""

    @abstractmethod
    def grant_connect(self, function: lambda_.Function, role: Role) -> None:
        """Let the function sign in as `role`: read that role's secret, or ask for an IAM token of it."""

    def network(self, role: Role, *, reads_landing: bool = False) -> Network | None:
        """Where a function of `role` runs; None: anywhere. `reads_landing`: it reaches S3 as well, as the migrator
        does to answer CloudFormation."""
        return None if self.place is None else self.place.of_function(reads_landing=role is Role.ADMIN or reads_landing)


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


class PasswordDatabase(Database):
    """A server whose roles sign in by passwords: their secrets are made here, and the migrator sets them."""

    _ssl_mode = "disable"
    _ssl_root_cert = ""

    def _administer(self, admin: secretsmanager.ISecret, reference: str, user: str) -> None:
        """`admin`: the administrator's secret, `reference`: its name or ARN, `user`: its user, maybe a token."""
        self._admin_secret, self._administrator = reference, user
        self._secrets: dict[Role, secretsmanager.ISecret] = {Role.ADMIN: admin}
        for role in SERVICE_ROLES:
            made = self._secrets[role] = password_secret(self, role)
            accept(made, {"SMG4": "A new password is set by a deployment, with the secret's next version."})

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
            variables["DATABASE_USER"] = self._administrator
            variables["DATABASE_SECRET_ARN"] = self._admin_secret
            variables["DATABASE_ROLE_SECRETS"] = Stack.of(self).to_json_string(
                {service.value: self._secrets[service].secret_arn for service in SERVICE_ROLES}
            )
        return variables

    def grant_connect(self, function: lambda_.Function, role: Role) -> None:
        self._secrets[role].grant_read(function)
        if role is Role.ADMIN:
            for service in SERVICE_ROLES:
                self._secrets[service].grant_read(function)


class ExternalDatabase(PasswordDatabase):
    """A PostgreSQL server that exists already: on LocalStack the embedded one or the compose file's, on AWS yours.

    Its administrator's secret exists as well.
    """

    def __init__(self, scope: Construct, construct_id: str, deployment: DeploymentConfig) -> None:
        super().__init__(scope, construct_id)
        secret = deployment.database_secret
        admin = (
            secretsmanager.Secret.from_secret_complete_arn(self, "AdminSecret", secret)
            if secret.startswith("arn:")
            else secretsmanager.Secret.from_secret_name_v2(self, "AdminSecret", secret)
        )
        self.host = deployment.database_host or _field(secret, "host")
        self.port = str(deployment.database_port)
        self.name = deployment.database_name
        self._ssl_mode = deployment.database_ssl_mode
        self._ssl_root_cert = deployment.database_ssl_root_cert or (CA_FILE if deployment.on_aws else "")
        # the administrator's name is only in the secret; Secrets Manager takes a name in place of an ARN
        self._administer(admin, secret, _field(secret, "username"))
        if deployment.on_aws:
            self.place = ExistingNetwork(
                self,
                "Network",
                vpc=deployment.vpc,
                subnets=deployment.vpc_subnets,
                passwords=True,
                elsewhere=True,
                database_group=deployment.database_security_group,
                port=deployment.database_port,
            )


def _field(secret: str, name: str) -> str:
    """What CloudFormation reads from the secret when it deploys."""
    return SecretValue.secrets_manager(secret, json_field=name).unsafe_unwrap()
