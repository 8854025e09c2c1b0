"""The stream's handler against a real database, and what it left there."""

from dataclasses import dataclass
from typing import Any

import psycopg

from functions.stream import handler
from tests.support.lambda_context import lambda_context
from tests.support.night import role_url


@dataclass
class Consumer:
    """The handler, signed in as c360_stream to the database `admin_url`."""

    admin_url: str

    @property
    def stream_url(self) -> str:
        """The stream's own sign-in."""
        return role_url(self.admin_url, "c360_stream")

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke the handler."""
        return handler.handle(event, lambda_context())

    def forget_everything(self) -> None:
        """Empty all that the stream writes."""
        self.execute(
            "truncate raw_vault.link_customer_event, metadata.event_id, metadata.stream_offset, metadata.dead_letter,"
            " business_vault.real_time_metrics, business_vault.event_total, business_vault.live_activity,"
            " business_vault.mart_customer_360, business_vault.mart_product_analytics"
        )
        self.execute("delete from raw_vault.hub_customer where customer_id is not null")
        self.execute("delete from raw_vault.hub_product where product_id is not null")

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The administrator's answer."""
        with psycopg.connect(self.admin_url, options="-c timezone=UTC") as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def execute(self, statement: str) -> None:
        """Run a statement as the administrator."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def metrics(self) -> dict[tuple[str, str], tuple[Any, ...]]:
        """(customer, event type) -> count, last event, amount."""
        rows = self.rows(
            "select customer_id, event_type, event_count, last_event_time, total_purchase_amount"
            " from business_vault.real_time_metrics"
        )
        return {(row[0], row[1]): tuple(row[2:]) for row in rows}

    def event_ids(self) -> list[str]:
        """The ids of the stored events, sorted."""
        return [row[0] for row in self.rows("select event_id from raw_vault.link_customer_event order by 1")]

    def dead(self) -> list[tuple[Any, ...]]:
        """Partition, offset, raw bytes and reasons of the dead letters."""
        return self.rows(
            "select kafka_partition, kafka_offset, raw, reasons from metadata.dead_letter order by dead_letter_id"
        )
