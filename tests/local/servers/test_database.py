"""An existing PostgreSQL server, as DATABASE_URL names it: encrypted as it asks for, and refused in one clear line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.errors import LocalError
from local.servers.database import AdminDatabase
from local.servers.postgres import PostgresServer
from tests.support.tls_server import tls_only


@pytest.fixture
def tls_url(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """A server that requires TLS; its authority is in `tmp_path/authority.pem`."""
    with tls_only(postgres_server.port, tmp_path) as (port, _):
        yield postgres_server.url_for("postgres").replace(f":{postgres_server.port}/", f":{port}/")


def test_where_the_server_offers_tls_the_functions_use_it(tls_url: str) -> None:
    for url in (tls_url, f"{tls_url}?sslmode=prefer", f"{tls_url}?sslmode=require"):
        assert AdminDatabase(url).context()["database_ssl_mode"] == "require"


def test_a_server_without_tls_is_used_without(postgres_server: PostgresServer) -> None:
    assert AdminDatabase(postgres_server.url).context() == {
        "database_host": "127.0.0.1",
        "database_port": str(postgres_server.port),
        "database_name": "c360",
        "database_ssl_mode": "disable",
        "database_ssl_root_cert": "",
    }


def test_the_functions_verify_what_the_url_verifies(
    tls_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    context = AdminDatabase(f"{tls_url}?sslmode=verify-full&sslrootcert=authority.pem").context()
    assert context["database_ssl_mode"] == "verify-full"
    assert context["database_ssl_root_cert"] == str(tmp_path / "authority.pem"), "a function runs in another folder"


def test_the_default_authority_is_named_for_functions_that_have_another_home(
    tls_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / "authority.pem").rename(tmp_path / ".postgresql" / "root.crt")
    monkeypatch.setenv("HOME", str(tmp_path))
    context = AdminDatabase(f"{tls_url}?sslmode=verify-ca").context()
    assert context["database_ssl_root_cert"] == str(tmp_path / ".postgresql" / "root.crt")


@pytest.mark.parametrize(
    ("options", "reason"),
    [("sslmode=disable", "no encryption"), ("sslmode=verify-full&sslrootcert=system", "certificate verify failed")],
)
def test_what_tls_is_in_the_way_of_is_one_clear_line(tls_url: str, options: str, reason: str) -> None:
    with pytest.raises(LocalError, match=rf"PostgreSQL at 127\.0\.0\.1:\d+ cannot be used: .*{reason}") as caught:
        AdminDatabase(f"{tls_url}?{options}").context()
    assert "\n" not in str(caught.value)


def test_a_server_that_lacks_the_tls_asked_for_is_refused(postgres_server: PostgresServer) -> None:
    with pytest.raises(LocalError, match="server does not support SSL, but SSL was required"):
        AdminDatabase(f"{postgres_server.url}?sslmode=require").context()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://user:secret@127.0.0.1/c360",
        "postgresql://user@127.0.0.1/c360",
        "postgresql:///c360?host=/tmp",
        "postgresql://user:sec#ret@127.0.0.1/c360",
        "postgresql://user:secret@127.0.0.1:port/c360",
        "postgresql://user:secret@[::1/c360",
        "host=127.0.0.1 user=user password=secret",
    ],
)
def test_what_is_no_url_with_user_and_password_is_one_line_that_shows_none_of_it(url: str) -> None:
    with pytest.raises(LocalError, match="DATABASE_URL must look like postgresql://USER:PASSWORD@HOST") as caught:
        AdminDatabase(url).context()
    assert "sec" not in str(caught.value)
    assert "\n" not in str(caught.value)
