"""The compose file offers what the LocalStack target needs, on this machine only."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.support.synthesis import REPOSITORY

FILE = REPOSITORY / "docker-compose.localstack.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVED = {name: service for name, service in SERVICES.items() if "profiles" not in service}
SCHEMA = REPOSITORY / "tests" / "support" / "compose_schema.json"
"""The Compose specification's own, of June 2026 (github.com/compose-spec/compose-spec, 170098b, Apache-2.0)."""


def image(service: dict[str, Any]) -> str:
    """The image that runs unless the environment names another."""
    return re.sub(r"^\$\{\w+:-(.+)\}$", r"\1", str(service["image"]))


def test_it_runs_localstack_postgres_kafka_and_metabase_at_pinned_versions() -> None:
    images = {name: image(service).partition("@")[0].partition(":") for name, service in SERVED.items()}
    assert {name: repository for name, (repository, _, _) in images.items()} == {
        "localstack": "localstack/localstack",
        "postgres": "postgres",
        "kafka": "apache/kafka",
        "metabase": "metabase/metabase",
        "metabase-postgres": "postgres",
    }
    versions = {name: version for name, (_, _, version) in images.items()}
    assert versions["localstack"] == "4.14.0", "the last one that needs no token"
    assert versions["postgres"].startswith("18.")
    assert tuple(map(int, versions["metabase"].removeprefix("v").split("."))) >= (0, 60)
    assert all(version.count(".") >= 1 for version in versions.values())


def test_images_are_pinned_by_digest_but_for_the_one_that_the_docs_name() -> None:
    digests = {name: image(service).partition("@")[2] for name, service in SERVED.items()}
    assert [name for name, digest in digests.items() if not re.fullmatch("sha256:[0-9a-f]{64}", digest)] == ["metabase"]
    verified = (REPOSITORY / "docs" / "verified.md").read_text()
    assert f"`{SERVICES['metabase']['image']}` is not pinned" in verified
    security = (REPOSITORY / "docs" / "security.md").read_text()
    assert f"`{SERVICES['metabase']['image']}` is pinned by its tag alone" in security


def test_the_file_is_what_the_compose_specification_describes() -> None:
    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")))
    assert [(list(error.instance_path), error.message) for error in schema.iter_errors(COMPOSE)] == []
    wrong = {**COMPOSE, "services": {**SERVICES, "kafka": {**SERVICES["kafka"], "imagee": "x"}}}
    assert not schema.is_valid(wrong)


def test_another_localstack_takes_its_token_from_the_environment() -> None:
    localstack = SERVICES["localstack"]
    assert localstack["image"].startswith("${C360_LOCALSTACK_IMAGE:-")
    assert localstack["environment"]["LOCALSTACK_AUTH_TOKEN"] == "${LOCALSTACK_AUTH_TOKEN:-}"


def test_the_poller_runs_our_code_with_the_packages_that_are_tested() -> None:
    poller = SERVICES["event-source"]
    [base] = re.findall(r"^FROM (\S+)$", poller["build"]["dockerfile_inline"], flags=re.MULTILINE)
    assert re.fullmatch(r"python:3\.13\.\d+-slim@sha256:[0-9a-f]{64}", base)
    pinned = re.findall(r"([a-z0-9-]+)==([\d.]+)", poller["build"]["dockerfile_inline"])
    tested = (REPOSITORY / "requirements" / "dev.txt").read_text("utf-8")
    assert len(pinned) == 5
    assert all(f"\n{name}=={version} " in f"\n{tested}" for name, version in pinned)
    arguments = poller["command"]
    assert arguments[:3] == ["python", "-m", "local.event_source.compose_poller"]
    assert "--bootstrap-servers=kafka:19092" in arguments
    assert f"NETWORK://{'kafka:19092'}" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert poller["profiles"] == ["poller"], "c360 up starts its own"


def test_ports_are_open_to_this_machine_only() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {
        "localstack": ["127.0.0.1:4566:4566", "127.0.0.1:4510-4559:4510-4559"],
        "postgres": ["127.0.0.1:5432:5432"],
        "kafka": ["127.0.0.1:9092:9092"],
        "metabase": ["127.0.0.1:3000:3000"],
    }


def test_functions_join_the_network_by_its_real_name() -> None:
    [(network, settings)] = COMPOSE["networks"].items()
    assert SERVICES["localstack"]["environment"]["LAMBDA_DOCKER_NETWORK"] == settings["name"]
    assert all(service["networks"] == [network] for service in SERVICES.values())
    assert int(SERVICES["localstack"]["environment"]["LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT"]) > 20
    assert "/var/run/docker.sock:/var/run/docker.sock" in SERVICES["localstack"]["volumes"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_each_service_tells_when_it_is_healthy(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("service", sorted(set(SERVED) - {"metabase"}))
def test_each_service_with_data_keeps_it(service: str) -> None:
    volumes = [str(volume).partition(":")[0] for volume in SERVICES[service]["volumes"]]
    assert set(volumes) & set(COMPOSE["volumes"])


def test_metabase_keeps_its_own_in_a_postgresql_of_its_own() -> None:
    metabase, database = (SERVICES[name]["environment"] for name in ("metabase", "metabase-postgres"))
    assert (metabase["MB_DB_TYPE"], metabase["MB_DB_HOST"]) == ("postgres", "metabase-postgres")
    assert (metabase["MB_DB_DBNAME"], metabase["MB_DB_USER"], metabase["MB_DB_PASS"]) == (
        database["POSTGRES_DB"],
        database["POSTGRES_USER"],
        database["POSTGRES_PASSWORD"],
    )
    assert SERVICES["metabase"]["depends_on"]["metabase-postgres"] == {"condition": "service_healthy"}


def test_the_servers_log_quotes_no_rows() -> None:
    assert {"log_error_verbosity=terse", "log_min_error_statement=panic"} <= set(SERVICES["postgres"]["command"])


def test_kafka_needs_no_zookeeper_and_is_reachable_from_both_sides() -> None:
    environment = SERVICES["kafka"]["environment"]
    assert environment["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "HOST://127.0.0.1:9092,NETWORK://kafka:19092"
    assert not any("ZOOKEEPER" in name for name in environment)


def test_passwords_are_local_defaults_that_the_environment_overrides() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "PASS" in name or "SECRET" in name:
                assert value == "${C360_POSTGRES_PASSWORD:-c360-local}"


def test_the_administrators_secret_is_the_one_the_app_looks_for() -> None:
    mounted = [v for v in SERVICES["localstack"]["volumes"] if "/etc/localstack/init/ready.d/" in v]
    script = REPOSITORY / Path(mounted[0].partition(":")[0])
    assert script.stat().st_mode & 0o111, "LocalStack runs executable scripts only"
    text = script.read_text()
    assert "--name c360/database/admin" in text
    assert SERVICES["postgres"]["environment"]["POSTGRES_USER"] in text


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_docker_compose_accepts_the_file() -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("docker has no compose plugin here")
    done = subprocess.run(
        ["docker", "compose", "-f", FILE, "config", "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
