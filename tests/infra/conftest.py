"""Both targets, each synthesized once in a session."""

from pathlib import Path

import pytest

from tests.support.synthesis import Synthesis, synthesize


@pytest.fixture(scope="session")
def on_aws(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """The AWS target as it is by default."""
    return synthesize(_folder(tmp_path_factory, "aws"), target="aws", alert_email="data@example.com", split_mib="16")


@pytest.fixture(scope="session")
def on_localstack(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """The LocalStack target as `c360 up` deploys it."""
    return synthesize(
        _folder(tmp_path_factory, "localstack"),
        target="localstack",
        database_host="127.0.0.1",
        database_port="5433",
        schedule="disabled",
    )


@pytest.fixture(scope="session", params=["aws", "localstack"])
def either(request: pytest.FixtureRequest) -> Synthesis:
    """Each target in turn, for what holds on both."""
    synthesis: Synthesis = request.getfixturevalue(f"on_{request.param}")
    return synthesis


def _folder(factory: pytest.TempPathFactory, name: str) -> Path:
    return factory.mktemp(name) / "cdk.out"
