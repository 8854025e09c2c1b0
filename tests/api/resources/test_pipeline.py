"""A night in detail and what it set aside, compared with the files."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest

from functions.api.app import create_app
from local.servers.postgres import PostgresServer
from tests.support import night
from tests.support.csv_files import customers, transactions
from tests.support.database import fresh_database
from tests.support.served_api import served, settings_for

FILES = [
    ("customers/dt=2026-01-01/c.csv", customers({"customer_id": "C1", "first_name": "Canary"}, {"customer_id": ""})),
    (
        "transactions/dt=2026-01-01/t.csv",
        transactions({}, {"transaction_id": "T2", "quantity": "canary"}, {"transaction_id": "T3", "order_date": ""}),
    ),
]


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with one night of these files."""
    with fresh_database(postgres_server) as url:
        night.load_nights(url, [FILES])
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    """The API over it."""
    with served(create_app(settings_for(night.role_url(url, "c360_api")))) as client:
        yield client


def test_a_run_tells_its_steps_and_files_and_all_rows_are_accounted_for(client: httpx.Client) -> None:
    [listed] = client.get("/runs").json()["items"]
    assert (listed["sla_seconds"], listed["within_sla"]) == (900, True)
    run = client.get(f"/runs/{listed['run_id']}").json()
    assert {name: run[name] for name in listed} == listed
    files = {each["file"]: each for each in run["object_versions"]}
    assert set(files) == {f"landing/{key}" for key, _ in FILES}
    for each in (run, *files.values()):
        counted = [each[f"rows_{name}"] for name in ("loaded", "unchanged", "duplicate", "quarantined")]
        assert each["rows_read"] == sum(counted)
    assert files["landing/transactions/dt=2026-01-01/t.csv"]["rows_quarantined"] == 2
    assert {"mart_customer_360", "summaries"} <= {step["step"] for step in run["steps"]}
    assert all(step["seconds"] >= 0 for step in run["steps"])
    assert client.get("/runs/nothing").status_code == 404


def test_a_late_run_is_told(client: httpx.Client, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into metadata.load_run (run_id, execution_arn, status, started_at, finished_at)"
            " values ('late', 'a', 'FAILED', now() - interval '1 hour', now() - interval '44 minutes')"
        )
    late = next(each for each in client.get("/runs").json()["items"] if each["run_id"] == "late")
    assert (late["seconds"], late["within_sla"]) == (960, False)
    health = client.get("/metrics/pipeline-health").json()
    assert (health["runs_30_days"], health["failed_30_days"], health["over_sla_30_days"]) == (2, 1, 1)
    assert (health["rows_read_30_days"], health["rows_quarantined_30_days"], health["quarantined_waiting"]) == (5, 3, 3)
    quality = client.get("/metrics/quality-health").json()
    checks = client.get("/quality?latest=true&limit=1000").json()["items"]
    assert quality["passed"] == sum(each["passed"] for each in checks)
    assert quality["warnings"] + quality["errors"] == sum(not each["passed"] for each in checks)


def test_rows_set_aside_tell_where_and_why_and_not_what(client: httpx.Client) -> None:
    answer = client.get("/quarantine")
    assert "canary" not in answer.text.lower()
    rows = answer.json()["items"]
    assert {(each["file"].split("/")[1], each["row"], each["line"]) for each in rows} == {
        ("customers", 2, 3),
        ("transactions", 2, 3),
        ("transactions", 3, 4),
    }
    assert all(each["reasons"] and not each["replayed"] for each in rows)
    reason = rows[0]["reasons"][0]
    by_reason = client.get("/quarantine", params={"reason": reason, "waiting": "true"}).json()
    counted = {each["reason"]: each for each in client.get("/quarantine/reasons").json()["items"]}
    assert by_reason["total"] == counted[reason]["rows"] == counted[reason]["waiting"]
    assert client.get("/quarantine?waiting=false").json()["total"] == 0
    assert client.get("/quarantine?file=nothing").json()["items"] == []


def test_who_may_not_see_persons_sees_all_but_names_of_files(client: httpx.Client, url: str) -> None:
    settings = settings_for(night.role_url(url, "c360_api"), api_open_scopes="profile:read")
    with served(create_app(settings)) as masking:
        for path in ("/runs", "/quality?limit=1000", "/quarantine", "/quarantine/reasons"):
            full, masked = client.get(path).json()["items"], masking.get(path).json()["items"]
            assert masked == [{**item, **({"file": "***"} if "file" in item else {})} for item in full], path
