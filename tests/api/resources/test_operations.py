"""What the service says about itself: runs, checks, readiness."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest

from functions.api.app import create_app
from tests.support.served_api import PASSWORD, as_role, served, settings_for


def test_runs_show_what_became_of_their_rows_the_newest_first(night_client: httpx.Client, night_url: str) -> None:
    with psycopg.connect(night_url) as connection:
        rows = connection.execute("""
            select r.run_id, count(*), sum(o.rows_read), sum(o.rows_loaded)
            from metadata.load_run as r
            join metadata.object_version as o using (run_id)
            group by r.run_id
            order by max(r.started_at) desc
        """).fetchall()
    page = night_client.get("/runs").json()
    assert page["total"] == len(rows) == 2
    assert [(run["run_id"], run["files"], run["rows_read"], run["rows_loaded"]) for run in page["items"]] == rows
    for run in page["items"]:
        assert run["status"] == "SUCCEEDED"
        assert run["seconds"] > 0
        assert run["rows_read"] == sum(
            run[name] for name in ("rows_loaded", "rows_unchanged", "rows_duplicate", "rows_quarantined")
        )
    assert night_client.get("/runs?status=FAILED").json()["total"] == 0
    oldest = night_client.get("/runs?sort=started_at&limit=1").json()
    assert oldest["items"][0]["run_id"] == rows[1][0]
    assert night_client.get(oldest["next"]).json()["items"][0]["run_id"] == rows[0][0]


def test_quality_shows_the_last_results_and_the_history(night_client: httpx.Client, night_url: str) -> None:
    with psycopg.connect(night_url) as connection:
        results = connection.execute(
            "select run_id, stage, rule, passed from metadata.quality_result order by checked_at desc"
        ).fetchall()
    assert results
    page = night_client.get("/quality?limit=1000").json()
    assert page["total"] == len(results)
    found = {(each["run_id"], each["stage"], each["rule"], each["passed"]) for each in page["items"]}
    assert found == set(results)
    latest = night_client.get("/quality?latest=true&limit=1000").json()
    assert {each["run_id"] for each in latest["items"]} == {results[0][0]}
    assert latest["total"] == sum(result[0] == results[0][0] for result in results) < len(results)
    assert night_client.get("/quality?latest=false&limit=1").json()["total"] == len(results)
    for passed in ("true", "false"):
        expected = sum(str(result[3]).lower() == passed for result in results)
        assert night_client.get(f"/quality?passed={passed}").json()["total"] == expected
    rule = results[0][2]
    assert night_client.get("/quality", params={"rule": rule}).json()["total"] == sum(
        each[2] == rule for each in results
    )


def test_ready_says_how_old_the_data_are(night_client: httpx.Client, night_url: str) -> None:
    with psycopg.connect(night_url) as connection:
        row = connection.execute("select max(published_at) from metadata.mart_publication").fetchone()
    assert row is not None
    answer = night_client.get("/readyz")
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["status"] == "ready"
    assert body["published_at"].startswith(row[0].isoformat()[:19])
    assert 0 <= body["data_age_seconds"] < 3600


@pytest.fixture
def admin(changing_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(changing_url, autocommit=True) as connection:
        yield connection


def test_ready_before_the_first_publication_knows_no_age(changing: httpx.Client, admin: psycopg.Connection) -> None:
    admin.execute("delete from metadata.mart_publication")
    assert changing.get("/readyz").json() == {"status": "ready", "published_at": None, "data_age_seconds": None}


def test_a_schema_older_than_the_software_is_not_ready(changing: httpx.Client, admin: psycopg.Connection) -> None:
    admin.execute("delete from metadata.migration where version = (select max(version) from metadata.migration)")
    answer = changing.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "older" in answer.json()["detail"]
    assert changing.get("/healthz").status_code == 200


def test_a_cold_start_in_the_middle_of_a_migration_is_503_and_soon_well(
    changing_url: str, admin: psycopg.Connection
) -> None:
    with (
        served(create_app(settings_for(as_role(changing_url, "c360_api", PASSWORD)))) as client,
        psycopg.connect(changing_url) as migration,
    ):
        # what a migration that rebuilds the marts holds while it works
        migration.execute("alter table business_vault.mart_customer_360 add column note text")
        answer = client.get("/customers")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "being changed" in answer.json()["detail"]
        migration.commit()
        assert client.get("/customers").status_code == 200
        admin.execute("alter view business_vault.vw_customer_360 rename to vw_customer_360_old")
        for path in ("/customers?limit=7", "/customers/C0001", "/customers/C0001/explain"):
            answer = client.get(path)
            assert answer.status_code == 503, path
            assert "being set up" in answer.json()["detail"]
        admin.execute("alter view business_vault.vw_customer_360_old rename to vw_customer_360")
        assert client.get("/customers?limit=7").status_code == 200
