"""A night on which everything changes takes work in proportion to its rows, whatever the planner knows of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

from functions.common.database import Connection
from tests.support.csv_files import COLUMNS, LINE, customers, transactions, write_csv
from tests.support.night import Night

ROWS = 2_000
ROWS_OF_A_STEP = 100 * ROWS
"""What a step of a plan may handle: some versions of each key, or a small table for each. All pairs: 4,000,000."""


@dataclass
class WatchedNight(Night):
    """A night that keeps the plan of each of its statements."""

    plans: list[dict[str, Any]] = field(default_factory=list)

    def connect(self) -> Connection:
        """A connection of the loader, whose plans are kept."""
        connection = super().connect()
        connection.add_notice_handler(self._keep)
        return connection

    def _keep(self, notice: psycopg.errors.Diagnostic) -> None:
        head, _, plan = (notice.message_primary or "").partition("plan:\n")
        if head.startswith("duration"):
            self.plans.append(json.loads(plan))


@pytest.fixture
def watched(night: Night) -> Iterator[WatchedNight]:
    """A night whose plans PostgreSQL logs (auto_explain), with the rows of each step."""
    settings = {
        "session_preload_libraries": "auto_explain",
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_analyze": "on",
        "auto_explain.log_timing": "off",
        "auto_explain.log_format": "json",
        "auto_explain.log_level": "notice",
    }
    role = sql.Identifier("c360_loader")
    with psycopg.connect(night.admin_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        for name, value in settings.items():
            connection.execute(
                sql.SQL("alter role {} in database {} set {} = {}").format(
                    role, database, sql.SQL(".").join(map(sql.Identifier, name.split("."))), sql.Literal(value)
                )
            )
        yield WatchedNight(night.admin_url, night.s3)
        connection.execute(sql.SQL("alter role {} in database {} reset all").format(role, database))


def steps(plan: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Each step of a plan and how many rows it handled."""
    rows = (
        plan.get("Actual Rows", 0) + plan.get("Rows Removed by Join Filter", 0) + plan.get("Rows Removed by Filter", 0)
    )
    yield plan["Node Type"], rows * plan.get("Actual Loops", 0)
    for inner in plan.get("Plans", ()):
        yield from steps(inner)


def transactions_of(night: int, *, with_numbers: bool) -> str:
    """Each order has another payment method each night."""
    columns = COLUMNS["transactions"].split(",")
    rows = [
        {
            **LINE,
            "transaction_id": f"T{number}",
            "customer_id": f"C{number % 500}",
            "payment_method": f"card {night}",
            "line_number": "1",
        }
        for number in range(ROWS)
    ]
    chosen = columns if with_numbers else [name for name in columns if name != "line_number"]
    return write_csv(chosen, [{name: row.get(name, "") for name in chosen} for row in rows])


def customers_of(night: int) -> str:
    """Each customer has another name each night, and one of a hundred is missing."""
    rows = (
        {"customer_id": f"C{number}", "first_name": f"Ann {night}"} for number in range(ROWS) if number % 100 != night
    )
    return customers(*rows)


@pytest.mark.parametrize("has_old_statistics", [False, True], ids=["no statistics", "of an almost empty vault"])
@pytest.mark.parametrize("kind", ["orders without line numbers", "orders with line numbers", "lists of customers"])
def test_a_night_on_which_everything_changes_compares_no_row_with_each_other(
    watched: WatchedNight, kind: str, has_old_statistics: bool
) -> None:
    if has_old_statistics:
        watched.drop("customers/dt=2025-12-31/one.csv", customers({"customer_id": "C0"}))
        watched.drop("transactions/dt=2025-12-31/one.csv", transactions({"transaction_id": "T0"}))
        watched.run()
        with psycopg.connect(watched.admin_url) as connection:
            connection.execute("analyze")
    for night in range(1, 4):
        day = f"dt=2026-01-0{night}/all.csv"
        if kind == "lists of customers":
            watched.drop(f"customers/snapshot/{day}", customers_of(night))
        else:
            watched.drop(f"transactions/{day}", transactions_of(night, with_numbers="without" not in kind))
        assert watched.run()["status"] == "SUCCEEDED"
    assert len(watched.plans) > 100
    excessive = [
        (step, rows, plan["Query Text"].strip()[:200])
        for plan in watched.plans
        for step, rows in steps(plan["Plan"])
        if rows > ROWS_OF_A_STEP
    ]
    assert excessive == []
