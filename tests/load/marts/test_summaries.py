"""The sums by hour and by month are those of the lines, in the declared time zone."""

import psycopg

from functions.load.schema.migrate import migrate
from functions.model.metrics import load_metrics
from tests.support.csv_files import transactions
from tests.support.night import Night

_LINES = """
select (order_date at time zone '{zone}')::date, extract(hour from order_date at time zone '{zone}')::int, order_status,
    count(*) filter (where is_first_line), count(*), sum(quantity), sum(total_amount)
from business_vault.mart_order_line
group by 1, 2, 3
order by 1, 2, 3
"""
_HOURS = """
select order_day, order_hour, order_status, orders, order_lines, quantity, revenue
from business_vault.mart_sale_hour
order by 1, 2, 3
"""


def _sums_are_of(night: Night, zone: str) -> None:
    assert night.rows(_HOURS) == night.rows(_LINES.format(zone=zone))
    months = night.rows("select customer_id, month, revenue from business_vault.mart_customer_month order by 1, 2")
    assert months == night.rows(
        f"select customer_id, date_trunc('month', order_date at time zone '{zone}')::date, sum(total_amount)"
        " from business_vault.mart_order_line where customer_id is not null group by 1, 2 order by 1, 2"
    )
    assert night.rows("select time_zone from business_vault.vw_reporting") == [(zone,)]


def test_sums_follow_corrections_and_a_new_time_zone_from_the_next_publication(night: Night) -> None:
    first = {"transaction_id": "T1", "order_date": "2024-01-31T23:30:00Z", "order_status": "Pending", "quantity": "2"}
    night.drop("transactions/dt=2024-02-01/a.csv", transactions(first, {"transaction_id": "T2", "customer_id": ""}))
    night.run()
    _sums_are_of(night, "UTC")
    night.drop(
        "transactions/dt=2024-02-02/a.csv",
        transactions(first | {"order_status": "Completed", "customer_id": "C9", "total_amount": "7.005"}),
    )
    night.run()
    _sums_are_of(night, "UTC")
    with psycopg.connect(night.admin_url) as connection:
        migrate(connection, {}, layer=load_metrics().model_copy(update={"time_zone": "Asia/Kathmandu"}))
    _sums_are_of(night, "UTC")  # what is published stays of one zone
    night.run()
    _sums_are_of(night, "Asia/Kathmandu")
    assert ("2024-02-01", 5) in [(str(row[0]), row[1]) for row in night.rows(_HOURS)]
    with psycopg.connect(night.admin_url) as connection:
        migrate(connection, {})
    night.run()
    _sums_are_of(night, "UTC")


def test_publications_from_before_there_were_sums_are_summed_by_the_next(night: Night) -> None:
    night.drop("transactions/dt=2024-02-01/a.csv", transactions({}, {"transaction_id": "T2"}))
    night.run()
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("delete from business_vault.mart_sale_hour")
        connection.execute("delete from business_vault.mart_customer_month")
        connection.execute("update business_vault.mart_anchor set time_zone = null")
    night.run()
    _sums_are_of(night, "UTC")
