"""The demo's figures: its sample, what the warehouse says, and the same sums made without it."""

import csv
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import DeploymentError, MismatchError
from cli.output import Output
from functions.common.sql_files import read_sql

if TYPE_CHECKING:
    import psycopg

    from cli.sample import Sample

EFFECTIVE_DAY = date(2026, 10, 31) + timedelta(days=1)
"""The day from which the sample is true: the one after its last order. Fixed, so that a later demo repeats nothing."""
_TIMEOUT_SECONDS = 30


def demo_sample(output: Output) -> "Sample":
    """The demo's sample in the state folder; generated only when it is not there, whole and unchanged."""
    from cli.sample import SampleShape, generate, read_manifest
    from local.paths import Paths

    paths = Paths.default()
    folder = paths.state / "sample"
    shape = SampleShape()
    there = read_manifest(folder)
    if there and there.shape == shape.as_json() and there.is_intact():
        output.say(f"sample data is there: {folder}")
        return there
    output.say(f"generating sample data in {folder}")
    with paths.private(), output.advancing("rows") as advance:
        return generate(shape, folder, force=True, progress=advance)


def summary(connection: "psycopg.Connection") -> dict[str, Any]:
    """Orders, customers, revenue by customers and by orders, and their breakdowns, as the warehouse's views say."""
    totals = connection.execute(read_sql("cli/demo_totals.sql")).fetchone()
    orders, order_revenue, customers, lifetime_revenue = totals or (0, 0, 0, 0)
    average = Decimal(order_revenue) / orders if orders else Decimal(0)
    return {
        "orders": orders,
        "customers": customers,
        "lifetime_revenue": Decimal(lifetime_revenue),
        "order_revenue": Decimal(order_revenue),
        "average_order_value": average.quantize(Decimal("0.01")),
        "orders_by_status": dict(connection.execute(read_sql("cli/demo_orders_by_status.sql")).fetchall()),
        "customers_by_segment": dict(connection.execute(read_sql("cli/demo_customers_by_segment.sql")).fetchall()),
    }


def other_transaction_files(connection: "psycopg.Connection", keys: Sequence[str]) -> int:
    """How many loaded transaction files there are besides `keys`."""
    row = connection.execute(read_sql("cli/demo_other_files.sql"), (list(keys),)).fetchone()
    return row[0] if row else 0


def revenue_of_csv(transactions: Path) -> Decimal:
    """The sum of total_amount over a CSV, by the csv module and Decimal: nothing of the platform takes part."""
    with transactions.open(encoding="utf-8", newline="") as stream:
        return sum((Decimal(row["total_amount"]) for row in csv.DictReader(stream)), Decimal(0))


def customers_served(api_url: str, api_key: str | None) -> int:
    """How many customers the API at `api_url` says there are. Raises DeploymentError when it does not answer."""
    url = f"{api_url.rstrip('/')}/customers?limit=1"
    request = urllib.request.Request(url, headers={"x-api-key": api_key} if api_key else {})  # noqa: S310
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            total = json.load(answer)["total"]
    except urllib.error.HTTPError as error:
        raise DeploymentError(f"the API answered {error.code} to {url}: `c360 logs api` shows why") from error
    except OSError as error:
        raise DeploymentError(f"the API does not answer at {url}: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise MismatchError(f"the API's answer to {url} is not a list of customers") from error
    return int(total)
