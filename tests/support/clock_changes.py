"""Orders about the instants of 2025 at which clocks changed, for tests of days and hours."""

from datetime import UTC, datetime, timedelta

from tests.support import night_files
from tests.support.csv_files import transactions

CHANGES = [("2025-03-29T20", 1), ("2025-04-24T12", 1), ("2025-10-03T12", 2), ("2025-10-25T12", 1),
           ("2025-10-30T12", 1), ("2025-11-02", 1)]  # fmt: skip
"""When orders come in every half hour, and for how many days: the changes of 2025."""


def orders() -> str:
    """An order every half hour about the instants at which these zones changed their clocks in 2025."""
    rows = []
    for begin, days in CHANGES:
        for number in range(days * 48):
            ordered = datetime.fromisoformat(begin).replace(tzinfo=UTC) + timedelta(minutes=30 * number)
            rows.append(
                {
                    "transaction_id": f"Z{ordered:%m%d%H%M}",
                    "customer_id": f"C{(number * 7 + ordered.day) % 90:04}",
                    "order_date": ordered.isoformat(),
                    "product_id": f"P{number % 17:03}",
                    "quantity": "1",
                    "unit_price": f"{number}.{number % 100:02}",
                    "total_amount": f"{number}.{number % 100:02}",
                    "order_status": night_files.STATUSES[number % 5],
                }
            )
    return transactions(*rows)
