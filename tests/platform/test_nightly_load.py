"""The nightly load from S3 to HTTP, through the real Step Functions, Lambda and API Gateway of LocalStack.

The tests build on each other's state in the order they stand in.
"""

import json
import threading
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from tests.support.platform import Platform, SampleFiles, eventually


def test_every_row_of_every_file_is_accounted_for(loaded: dict[str, Any], sample: SampleFiles) -> None:
    assert loaded["status"] == "SUCCEEDED"
    rows = {file["key"].split("/")[1]: file for file in loaded["files"]}
    assert set(rows) == {"customers", "products", "transactions"}
    for source, file in rows.items():
        assert file["rows_read"] == len(sample.read(source))
        assert file["loaded"] == file["rows_read"]
        assert file["unchanged"] == file["duplicate"] == file["quarantined"] == 0


@pytest.mark.parametrize("which", ["api_url", "local_api_url"])
def test_both_apis_answer_what_the_csvs_say(
    platform: Platform, sample: SampleFiles, loaded: dict[str, Any], which: str
) -> None:
    base = getattr(platform.outputs, which)
    customers: dict[str, dict[str, Any]] = {}
    url: str | None = f"{base}/customers?limit=400"
    while url:
        page = platform.get("", url)
        customers |= {customer["customer_id"]: customer for customer in page["items"]}
        url = page["next"]
    described = {row["customer_id"]: row for row in sample.read("customers")}
    assert set(customers) == set(described)
    for customer_id, customer in customers.items():
        orders, value = sample.value_of_customers.get(customer_id, (0, Decimal(0)))
        assert (customer["total_orders"], Decimal(customer["lifetime_value"])) == (orders, value)
        assert customer["email"] == described[customer_id]["email"]
    assert sum((Decimal(customer["lifetime_value"]) for customer in customers.values()), Decimal(0)) == sample.revenue
    buyer = max(sample.value_of_customers, key=lambda customer: sample.value_of_customers[customer])
    found = platform.get(base, f"/customers/{buyer}/orders?limit=1000")
    expected = [line for line in sample.lines if line["customer_id"] == buyer]
    assert found["total"] == len(expected)
    assert {(item["transaction_id"], item["line_number"]) for item in found["items"]} == {
        (line["transaction_id"], int(line.get("line_number") or 1)) for line in expected
    }
    assert platform.get(base, "/orders?limit=1")["total"] == len(sample.lines)
    assert platform.get(base, "/products?limit=1")["total"] == len(sample.read("products"))


@pytest.mark.parametrize("which", ["api_url", "local_api_url"])
def test_swagger_finds_its_document(platform: Platform, which: str) -> None:
    base = getattr(platform.outputs, which)
    assert "/customers/{customer_id}" in platform.get(base, "/openapi.json")["paths"]
    with urllib.request.urlopen(f"{base}/docs", timeout=30) as answer:
        page = answer.read().decode()
    assert "swagger" in page.lower()
    assert "https://" not in page  # nothing from the internet


def test_running_again_changes_nothing(platform: Platform, sample: SampleFiles, loaded: dict[str, Any]) -> None:
    before = platform.warehouse_content()
    again = platform.json("drop", *sample.paths, "--date", "2026-11-01")
    assert "uploaded" not in json.dumps(again)
    nothing_new = platform.json("run", "--wait")
    assert (nothing_new["status"], nothing_new["files"]) == ("SUCCEEDED", [])
    platform.json("drop", *sample.paths, "--date", "2026-11-01", "--force")
    repeated = platform.json("run", "--wait")
    assert {file["status"] for file in repeated["files"]} == {"REPEATED"}
    platform.json("drop", *sample.paths, "--date", "2026-11-02")
    next_day = platform.json("run", "--wait")
    assert [file["unchanged"] for file in next_day["files"]] == [file["rows_read"] for file in next_day["files"]]
    assert platform.warehouse_content() == before


def test_the_deployed_function_rebuilds_the_marts_on_command(platform: Platform, loaded: dict[str, Any]) -> None:
    del loaded
    views = ("vw_customer_360", "vw_product_analytics", "vw_order_analytics")
    shown = [platform.rows(f"select v::text from business_vault.{view} as v order by 1") for view in views]
    rebuilt = platform.json("marts", "rebuild")
    assert [platform.rows(f"select v::text from business_vault.{view} as v order by 1") for view in views] == shown
    marts = ("mart_customer_360", "mart_product_analytics", "mart_order_line")
    assert [rebuilt["rows"][mart] for mart in marts] == [len(rows) for rows in shown]


def _drop_next_day(platform: Platform, sample: SampleFiles, day: str, change: str) -> None:
    """Drop the transactions again with another payment method, so that there is something to load."""
    text = (sample.folder / "transactions.csv").read_text(encoding="utf-8").replace("credit_card", change)
    platform.client("s3").put_object(
        Bucket=platform.outputs.landing_bucket, Key=f"landing/transactions/dt={day}/changed.csv", Body=text.encode()
    )


def _held_insert(platform: Platform) -> tuple[int, int]:
    """Backend pid and client port of the connection whose insert into the vault waits for a lock; waits for one."""

    def probe() -> tuple[int, int] | None:
        found = platform.rows(
            "select pid, client_port from pg_stat_activity"
            " where usename = 'c360_loader' and wait_event_type = 'Lock' and query like '%\"raw_vault\"%'"
        )
        return found[0] if found else None

    return eventually(probe, 60)


def _killed_handler(platform: Platform) -> None:
    """Kill -9 the process of the Lambda function that is inserting into the vault."""
    _, port = _held_insert(platform)
    for process in psutil.process_iter(["cmdline"]):
        if "functions.load.handler.handle" in (process.info["cmdline"] or ()) and any(
            connection.laddr.port == port for connection in process.net_connections("tcp")
        ):
            process.kill()
            return
    raise AssertionError("the handler's process was not found")


def _cut_connection(platform: Platform) -> None:
    """Cut the database connection of the function that is inserting into the vault."""
    backend, _ = _held_insert(platform)
    platform.rows(f"select pg_terminate_backend({backend})")


@pytest.mark.parametrize(
    ("fault", "error", "day", "change"),
    [
        (_killed_handler, "Runtime.ExitError", "2026-11-03", "wire"),
        (_cut_connection, "DatabaseUnavailableError", "2026-11-04", "cheque"),
    ],
)
def test_a_step_that_dies_is_retried_to_success(
    platform: Platform, sample: SampleFiles, loaded: dict[str, Any], fault: Any, error: str, day: str, change: str
) -> None:
    _drop_next_day(platform, sample, day, change)
    # the insert waits for this lock, so that the fault hits it in the middle
    with psycopg.connect(platform.outputs.database_url or "") as holder:
        holder.execute("lock table raw_vault.sat_order_details in share mode")
        execution = platform.start_run()
        fault(platform)
    assert platform.wait_for_end(execution) == "SUCCEEDED"
    assert error in platform.failures_of(execution)
    expected = sum(line["payment_method"] == "credit_card" for line in sample.lines)
    changed = platform.rows(
        f"select count(*), sum(total_amount) from business_vault.vw_order_analytics where payment_method = '{change}'"
    )
    assert changed[0][0] == expected
    assert platform.rows("select sum(lifetime_value) from business_vault.vw_customer_360") == [(sample.revenue,)]


@pytest.fixture(scope="module")
def alerts(platform: Platform) -> Any:
    """A function that returns the texts of the alerts published so far, read from a queue that subscribes to them."""
    queue = platform.client("sqs").create_queue(QueueName="alerts")["QueueUrl"]
    platform.client("sns").subscribe(
        TopicArn=platform.outputs.alert_topic_arn,
        Protocol="sqs",
        Endpoint=platform.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ],
        Attributes={"RawMessageDelivery": "true"},
    )
    received: list[str] = []

    def read() -> list[str]:
        answer = platform.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        received.extend(message["Body"] for message in answer.get("Messages", ()))
        return received

    return read


def test_a_failing_step_alerts_and_is_recorded_and_the_next_run_takes_over(
    platform: Platform, sample: SampleFiles, loaded: dict[str, Any], alerts: Any
) -> None:
    _drop_next_day(platform, sample, "2026-11-05", "voucher")
    platform.execute("alter table raw_vault.sat_order_details rename to sat_order_details_away")
    try:
        execution = platform.start_run()
        assert platform.wait_for_end(execution) == "FAILED"
    finally:
        platform.execute("alter table raw_vault.sat_order_details_away rename to sat_order_details")
    run_id = execution.rsplit(":", 1)[1]
    recorded = eventually(
        lambda: (
            platform.rows(f"select status, error from metadata.load_run where run_id = '{run_id}'")[0]
            != (
                "RUNNING",
                None,
            )
            and platform.rows(f"select status, error from metadata.load_run where run_id = '{run_id}'")[0]
        )
    )
    assert recorded == ("FAILED", "UndefinedTable")
    assert platform.failures_of(execution) == ["UndefinedTable"]  # not transient, so not retried
    text = eventually(lambda: next((text for text in alerts() if run_id in text), None))
    assert "UndefinedTable" in text
    assert f"c360 run --resume {run_id}" in text
    resumed = platform.json("run", "--resume", run_id, "--wait")
    assert [file["status"] for file in resumed["files"]] == ["LOADED"]
    assert platform.rows("select count(*) from business_vault.vw_order_analytics where payment_method = 'voucher'") == [
        (sum(line["payment_method"] == "credit_card" for line in sample.lines),)
    ]


def test_an_aborted_run_is_recorded_and_alerted(
    platform: Platform, sample: SampleFiles, loaded: dict[str, Any], alerts: Any
) -> None:
    _drop_next_day(platform, sample, "2026-11-06", "gift_card")
    with psycopg.connect(platform.outputs.database_url or "") as holder:
        holder.execute("lock table raw_vault.hub_order in share mode")
        execution = platform.start_run()
        _held_insert(platform)
        platform.client("stepfunctions").stop_execution(executionArn=execution)
    # LocalStack reports the end when the function that runs has answered
    run_id = execution.rsplit(":", 1)[1]
    eventually(
        lambda: platform.rows(f"select 1 from metadata.load_run where run_id = '{run_id}' and status = 'ABORTED'")
    )
    assert eventually(lambda: [text for text in alerts() if run_id in text])
    failed = platform.c360("runs", "--json")
    assert {run["status"] for run in json.loads(failed.stdout)["runs"] if run["run_id"] == run_id} == {"ABORTED"}
    assert platform.json("run", "--wait")["files"][0]["status"] == "LOADED"


def test_a_run_for_a_file_that_is_not_there_fails_with_one_clear_line(platform: Platform) -> None:
    done = platform.c360("run", "--wait", "--file", "landing/customers/missing.csv", "--json")
    assert done.returncode != 0
    answer = json.loads(done.stdout)
    assert "missing.csv" in answer["error"]["message"]
    assert len(done.stderr.strip().splitlines()) == 1


def test_two_runs_at_once_load_everything_once(platform: Platform, sample: SampleFiles, loaded: dict[str, Any]) -> None:
    _drop_next_day(platform, sample, "2026-11-07", "barter")
    executions: list[str] = []
    threads = [threading.Thread(target=lambda: executions.append(platform.start_run())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [platform.wait_for_end(execution) for execution in executions] == ["SUCCEEDED", "SUCCEEDED"]
    assert platform.rows(
        "select status, count(*) from metadata.object_version where object_key like '%dt=2026-11-07%' group by 1"
    ) == [("LOADED", 1)]
    assert platform.rows("select sum(lifetime_value) from business_vault.vw_customer_360") == [(sample.revenue,)]


def test_a_longer_past_is_loaded_after_the_present(platform: Platform, loaded: dict[str, Any], tmp_path: Path) -> None:
    for day, city in (("1999-12-30", "Rome"), ("2000-01-01", "Oslo"), ("2000-01-02", "Rome")):
        folder = tmp_path / "customers" / f"dt={day}"
        folder.mkdir(parents=True)
        (folder / "all.csv").write_text(f"customer_id,city\nPAST,{city}\n")
    done = platform.json("backfill", str(tmp_path))
    assert [(run["month"], run["status"], len(run["files"])) for run in done["runs"]] == [
        ("1999-12", "SUCCEEDED", 1),
        ("2000-01", "SUCCEEDED", 2),
    ]
    cities = [
        platform.rows(f"select city from business_vault.customer_360_as_of('{day}', now()) where customer_id = 'PAST'")
        for day in ("1999-12-31", "2000-01-01", "2020-01-01")
    ]
    assert cities == [[("Rome",)], [("Oslo",)], [("Rome",)]]
    again = platform.json("backfill", str(tmp_path))
    assert {file["status"] for file in again["files"]} == {"unchanged"}
    assert [run["files"] for run in again["runs"]] == [[], []]
