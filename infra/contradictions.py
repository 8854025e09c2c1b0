"""Options that fit each for itself and not together: the first such pair, in a sentence that says what to change."""

import json
import re
from collections.abc import Iterator

from infra.options import MOST_BYTES_OF_KEYS, Options


def first_contradiction(deployment: Options) -> str | None:
    """One line; None where everything fits."""
    for rules in (_target, _network, _database, _access, _api, _tokens):
        for found in rules(deployment):
            return found
    return None


def _target(deployment: Options) -> Iterator[str]:
    target, on_aws, managed = deployment.target, deployment.on_aws, deployment.localstack_managed
    if on_aws and managed:
        yield "localstack_managed does not fit target=aws: there RDS and MSK are AWS's own; leave it out"
    servers = {"rds"} if managed else {"external"}
    if not on_aws and deployment.database not in servers:
        yield f"database={deployment.database} does not fit target={target}: use {' or '.join(servers)}"
    fitting = {"provisioned", "serverless"} if on_aws else {"provisioned"} if managed else {"external"}
    if deployment.stream not in {*fitting, "disabled"}:
        allowed = " or ".join(sorted({*fitting, "disabled"}))
        yield f"stream={deployment.stream} does not fit target={target}: use {allowed}"
    if managed and (deployment.database_host or deployment.database_secret):
        yield "localstack_managed with database_host or database_secret: LocalStack makes the server; leave them out"
    if managed and deployment.stream_pollers:
        yield "localstack_managed with stream_pollers: LocalStack's mappings know none; leave them out"
    if not on_aws:
        if not managed and not deployment.database_host:
            yield "database_host is missing: the PostgreSQL server as the functions reach it"
        given = {
            "quicksight_principal": deployment.quicksight_principal,
            "vpc": deployment.vpc,
            "customer_key": deployment.customer_key,
            "database_proxy": deployment.database_proxy,
            "database_access": deployment.database_access != "none",
            "domain_name": deployment.domain_name,
            "waf": deployment.waf,
        }
        yield from (f"{name} does not fit target={target}: it is on AWS only" for name, value in given.items() if value)
    if deployment.audit_bucket and not deployment.keep_data:
        yield "audit_bucket and keep_data=disabled: nobody can delete that bucket, so keep_data"


def _network(deployment: Options) -> Iterator[str]:
    zones, subnets = deployment.zones, deployment.vpc_subnets
    if names := [zone for zone in zones if not re.fullmatch(r"[a-z]{2,6}\d-az\d", zone)]:
        yield f"zones={names[0]}: give ids, such as use1-az1: a name is another zone in each account"
    if zones and (not deployment.on_aws or len(set(zones)) != 2):
        yield f"zones={','.join(zones)}: name two different zones, on target=aws only"
    if zones and deployment.vpc:
        yield "zones and vpc: the zones of a VPC that exists are those of its vpc_subnets; leave zones out"
    if subnets and not deployment.vpc:
        yield "vpc_subnets without vpc: name the VPC that they are in"
    if deployment.vpc and len(set(subnets)) != 2:
        yield "vpc needs vpc_subnets: two different subnets, in two zones, with a comma between them"


def _database(deployment: Options) -> Iterator[str]:
    if not deployment.on_aws:
        return
    if deployment.database != "external":
        for name in ("database_secret", "database_host", "database_security_group"):
            if getattr(deployment, name):
                yield f"{name} and database={deployment.database}: it is of a server that exists; use database=external"
    else:
        if not deployment.database_secret:
            yield "database=external needs database_secret: the secret with the administrator of the server that exists"
        if not deployment.vpc:
            yield "database=external on target=aws needs vpc and vpc_subnets: from where the functions reach the server"
        for name in ("quicksight_principal", "database_logs"):
            if getattr(deployment, name):
                yield f"{name} and database=external: set it up at the server that exists, or use rds or aurora"
    if deployment.database_proxy and deployment.database != "rds":
        why = "its connections would never let Aurora pause" if deployment.database == "aurora" else "it is not ours"
        yield f"database_proxy and database={deployment.database}: {why}; use it with database=rds"


def _access(deployment: Options) -> Iterator[str]:
    access, database = deployment.database_access, deployment.database
    if access == "data-api" and database != "aurora":
        yield f"database_access=data-api and database={database}: only Aurora has the Data API; use tunnel, or aurora"
    if access == "tunnel" and database == "external":
        yield "database_access=tunnel and database=external: reach the server that exists as you do today"


def _api(deployment: Options) -> Iterator[str]:
    if deployment.on_aws and not deployment.api_key and not deployment.jwt_issuer:
        yield (
            "api_key=disabled without jwt_issuer: everybody on the internet could call the API; leave the keys"
            " enabled, or name an issuer of tokens"
        )
    if deployment.domain_name and not deployment.certificate_arn:
        yield "domain_name needs certificate_arn: the name's certificate in ACM, in the deployment's region"
    for name in ("certificate_arn", "hosted_zone_id"):
        if getattr(deployment, name) and not deployment.domain_name:
            yield f"{name} without domain_name: name the domain, or leave it out"


def _tokens(deployment: Options) -> Iterator[str]:
    if deployment.jwt_issuer and not deployment.jwt_audience:
        yield "jwt_issuer needs jwt_audience: what the tokens' aud, or Cognito's client_id, must be"
    given = deployment.jwt_jwks
    if not given:
        return
    if deployment.jwt_jwks_url:
        yield "jwt_jwks and jwt_jwks_url: name one of the two"
    if len(given.encode()) > MOST_BYTES_OF_KEYS:
        yield (
            f"jwt_jwks has {len(given.encode())} bytes, and {MOST_BYTES_OF_KEYS} are what Lambda's environment of 4 KB"
            " has room for: leave it out, and the keys are copied from where the issuer publishes them (jwt_jwks_url)"
        )
    try:
        keys = json.loads(given)["keys"]
    except (ValueError, TypeError, KeyError):
        keys = None
    if not isinstance(keys, list) or not keys:
        yield 'jwt_jwks is no JSON Web Key Set: {"keys": [...]}'
