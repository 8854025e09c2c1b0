"""What the marts must hold, computed from the CSV texts by plain Python. Shares no code with the product."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Any

type Rows = list[tuple[Any, ...]]
type Lines = dict[tuple[Any, ...], Mapping[str, str]]
"""The lines of an order: (number,) or, without one, ("", product and amounts, count of these in its file) -> row."""

LINE_SAID = ("product_id", "quantity", "unit_price", "total_amount")
ORDER_SAID = ("customer_id", "order_date", "payment_method", "order_status")
"""What a row says of its line and of its order; other columns are kept, but have no meaning here."""


@dataclass
class Marts:
    """The rows of the three views, each in the order of its columns, sorted."""

    customers: Rows = field(default_factory=list)
    products: Rows = field(default_factory=list)
    lines: Rows = field(default_factory=list)


WINDOWS = (30, 90, 365)


def as_of(files: Iterable[tuple[str, str]], day: date) -> Marts:
    """What the as-of functions return for that day: nothing that is not there yet, and nothing that is deleted."""
    then = marts([(key, content) for key, content in files if _day(key) <= day.isoformat()])
    return Marts(
        [row[:15] for row in then.customers if not row[23]],
        [row[:10] for row in then.products if not row[10]],
        then.lines,
    )


def marts(files: Iterable[tuple[str, str]], today: date | None = None) -> Marts:
    """The marts after all these files: pairs of key below landing/ (with a dt) and content, versions of a key in order.

    A later version of a key replaces the earlier one. What counts is the row that is last by dt, then key, then line.
    Every row must be valid. A complete list (below snapshot/; those of one day are one) deletes what came before it and
    is not in it. `today`: the day of the last publication, by default the present one.
    """
    today = today or datetime.now(UTC).date()
    files = list(files)
    rows: dict[str, list[dict[str, str]]] = {source: [] for source in ("customers", "products", "transactions")}
    deleted: dict[str, set[str]] = {"customers": set(), "products": set()}
    lines: dict[str, Lines] = {}
    for source, stated in rows.items():
        for batch in _instants(files, source):
            stated += [row for _, listed in batch for row in listed]
            is_list = any(is_snapshot for is_snapshot, _ in batch)
            while is_list and not batch[0][0]:
                del batch[0]  # the list that comes after it has the last word
            listed = [row for _, each in batch for row in each]
            if source == "transactions":
                add_rows(lines, [each for _, each in batch], is_list=is_list)
            elif is_list:
                deleted[source] = {_key(source, row) for row in stated} - {_key(source, row) for row in listed}
            else:
                deleted[source] -= {_key(source, row) for row in listed}

    described_customers = {row["customer_id"]: row for row in rows["customers"]}
    described_products = {row["product_id"]: row for row in rows["products"]}
    orders = {row["transaction_id"]: row for row in rows["transactions"]}
    named_customers = {row["customer_id"] for row in rows["transactions"] if row["customer_id"]}
    named_products = {row["product_id"] for row in rows["transactions"]}

    result = Marts()
    for order_id, order in orders.items():
        for number, line in numbered(lines.get(order_id, {})):
            result.lines.append(
                (
                    *(order_id, number, order["customer_id"] or None, line["product_id"]),
                    *(instant(order["order_date"]), int(line["quantity"])),
                    *(Decimal(line["unit_price"]), Decimal(line["total_amount"])),
                    *(order["payment_method"] or None, order["order_status"] or None),
                )
            )
    for customer_id in described_customers.keys() | named_customers:
        details = described_customers.get(customer_id, {})
        bought = [line for line in result.lines if line[2] == customer_id]
        count = len({line[0] for line in bought})
        value = sum((line[7] for line in bought), Decimal(0))
        names = ("first_name", "last_name", "email", "phone", "country", "state", "city", "customer_segment")
        result.customers.append(
            (
                *(customer_id, *(details.get(name) or None for name in names)),
                *(_date(details.get("signup_date")), count, value, _ratio(value, count) if count else None),
                *(min((line[4] for line in bought), default=None), max((line[4] for line in bought), default=None)),
                *_lately(bought, today),
                *(_favourite(bought, described_products), customer_id in deleted["customers"]),
            )
        )
    result.customers = [
        (*row, *scores, _label(scores, row[10]))
        for row, scores in zip(result.customers, _rfm(result.customers), strict=True)
    ]
    for product_id in described_products.keys() | named_products:
        details = described_products.get(product_id, {})
        sold = [line for line in result.lines if line[3] == product_id]
        quantity = sum(line[5] for line in sold)
        revenue = sum((line[7] for line in sold), Decimal(0))
        result.products.append(
            (
                *(product_id, details.get("product_name") or None, details.get("category") or None),
                *(_decimal(details.get("price")), _decimal(details.get("cost")), details.get("supplier") or None),
                *(len(sold), quantity, revenue, _ratio(revenue, quantity) if quantity else None),
                product_id in deleted["products"],
            )
        )
    for each in (result.customers, result.products, result.lines):
        each.sort(key=lambda row: tuple(row[:2] if each is not result.lines else (row[0], row[1], row[3])))
    return result


def without_bare_keys(marts: Marts) -> Marts:
    """The marts without the customers and products of which nothing is known but that a row has named them.

    Whether a row that another one of its file overrules has named somebody, is not asked once a file was taken back.
    """
    return Marts(
        [row for row in marts.customers if any(row[1:11])],
        [row for row in marts.products if any(row[1:7])],
        marts.lines,
    )


def _lately(bought: Rows, today: date) -> tuple[Any, ...]:
    """Days since the last order, then orders and revenue of the windows that end with today."""
    days = {line[0]: line[4].astimezone(UTC).date() for line in bought}
    recent = {window: {order for order, day in days.items() if 0 <= (today - day).days < window} for window in WINDOWS}
    return (
        (today - max(days.values())).days if days else None,
        *(len(recent[window]) for window in WINDOWS),
        *(sum((line[7] for line in bought if line[0] in recent[window]), Decimal(0)) for window in WINDOWS),
    )


def _favourite(bought: Rows, products: dict[str, dict[str, str]]) -> str | None:
    spent: dict[str, Decimal] = {}
    for line in bought:
        category = products.get(line[3], {}).get("category")
        if category:
            spent[category] = spent.get(category, Decimal(0)) + line[7]
    return min(spent, key=lambda category: (-spent[category], category), default=None)


def _rfm(customers: Rows) -> list[tuple[int | None, ...]]:
    """Scores of recency, frequency and monetary value: 1, and one more for each quintile's end that is exceeded."""
    buyers = [row for row in customers if row[10] and not row[23]]
    scores = []
    for row in customers:
        score: list[int | None] = []
        for column in (14, 10, 11):
            values = sorted(buyer[column] for buyer in buyers)
            ends = [values[(len(values) * fifth + 4) // 5 - 1] for fifth in range(1, 5)] if values else []
            score.append(1 + sum(row[column] > end for end in ends) if row[10] and ends else None)
        scores.append(tuple(score))
    return scores


def _label(scores: tuple[int | None, ...], orders: int) -> str | None:
    recency, frequency, monetary = (score or 0 for score in scores)
    if not recency:
        return None
    if recency >= 3:
        if frequency >= 4:
            return "champions" if recency >= 4 and monetary >= 4 else "loyal"
        return "new" if recency >= 4 and orders == 1 else "promising"
    return "at risk" if frequency >= 3 else "lost"


def instant(text: str) -> datetime:
    """An ISO 8601 instant; without a zone it is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def add_rows(orders: dict[str, Lines], files: Iterable[Sequence[Mapping[str, str]]], *, is_list: bool = False) -> None:
    """What an order's lines are after the rows of these files, all that were stated at one instant, in order.

    Numbered lines are stated one by one; an unnumbered row states its order whole, and so does a complete list every
    order. Unnumbered rows hold until the order is stated again. Those of one file that are equal in every column are
    one line, those that are equal but for what they say of the order are several, and files may share them.
    """
    if is_list:
        orders.clear()
    by_order: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for number, rows in enumerate(files):
        for row in rows:
            by_order.setdefault(row["transaction_id"], []).append((number, row))
    for order, stated in by_order.items():
        is_whole = any(not row.get("line_number") for _, row in stated)
        lines: Lines = {} if is_whole else {key: row for key, row in orders.get(order, {}).items() if len(key) == 1}
        contents: dict[tuple[Any, ...], list[tuple[str, ...]]] = {}
        for file, row in stated:
            if row.get("line_number"):
                lines[(str(int(row["line_number"])),)] = row
                continue
            said = tuple(row.get(name, "") for name in LINE_SAID)
            of_order = tuple(row.get(name, "") for name in ORDER_SAID)
            same = contents.setdefault((file, said), [])
            if of_order not in same:
                same.append(of_order)
            lines[("", *said, same.index(of_order))] = row
        orders[order] = lines


def numbered(lines: Lines) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The lines of an order with the numbers that they are shown with: without one, the count of their product."""
    last: dict[str, int] = {}
    for key, row in lines.items():
        if len(key) == 1:
            last[row["product_id"]] = max(int(key[0]), last.get(row["product_id"], 0))
            yield int(key[0]), row
    for row in sorted((row for key, row in lines.items() if len(key) > 1), key=_amounts):
        last[row["product_id"]] = last.get(row["product_id"], 0) + 1
        yield last[row["product_id"]], row


def _amounts(row: Mapping[str, str]) -> tuple[Any, ...]:
    return row["product_id"], int(row["quantity"]), Decimal(row["unit_price"]), Decimal(row["total_amount"])


def _instants(files: Iterable[tuple[str, str]], source: str) -> Iterator[list[tuple[bool, list[dict[str, str]]]]]:
    """The files of a source, those of each day together, in order: whether each is a complete list, and its rows."""
    latest = {key: content for key, content in files if key.startswith(f"{source}/")}
    for _, batch in groupby(sorted(latest, key=lambda key: (_day(key), f"landing/{key}")), key=_day):
        yield [
            ("/snapshot/" in key and ".replay-" not in key, list(csv.DictReader(io.StringIO(latest[key], newline=""))))
            for key in batch
        ]


def _key(source: str, row: dict[str, str]) -> str:
    return row[f"{source[:-1]}_id"]


def _day(key: str) -> str:
    return key.split("dt=")[1][:10]


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text else None


def _ratio(amount: Decimal, count: int) -> Decimal:
    return (amount / count).quantize(Decimal("0.01"), ROUND_HALF_UP)
