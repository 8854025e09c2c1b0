"""Two nights of files with enough variety that every filter, sort and page has something to get wrong. Seeded."""

import random
from datetime import UTC, datetime, timedelta

from tests.support.csv_files import customers, products, transactions

FIRST_NAMES = ("Anna", "ben", "ÇELIK", "Öznur", "Max", "O'Neil", "100%", "under_score", "back\\slash", "")
LAST_NAMES = ("Schmidt", "Müller", "de la Cruz", "SCHMIDTKE", "Li", "")
SEGMENTS = ("Gold", "Silver", "Bronze", "gold", "")
STATES = (("Germany", "Berlin"), ("Germany", "Bayern"), ("France", "Île-de-France"), ("USA", "Berlin"), ("", ""))
STATUSES = ("Completed", "Pending", "Cancelled", "Returned", "")
CATEGORIES = ("Books", "Home", "Toys & Games", "")
CUSTOMERS, PRODUCTS, ORDERS = 90, 17, 260
DAY_1, DAY_2 = "2026-01-10", "2026-02-20"


def _customer(draw: random.Random, number: int) -> dict[str, str]:
    first, last = draw.choice(FIRST_NAMES), draw.choice(LAST_NAMES)
    country, state = draw.choice(STATES)
    return {
        "customer_id": f"C{number:04}",
        "first_name": first,
        "last_name": last,
        "email": draw.choice((f"{first}.{number}@Example.com".lower(), f"U{number}@example.ORG", "")).replace(" ", ""),
        "phone": draw.choice((f"+49 30 {number:06}", "")),
        "signup_date": draw.choice((f"2025-{number % 12 + 1:02}-0{number % 9 + 1}", "")),
        "country": country,
        "state": state,
        "city": draw.choice(("Berlin", "München", "")),
        "customer_segment": draw.choice(SEGMENTS),
    }


def _order(draw: random.Random, number: int) -> list[dict[str, str]]:
    ordered = datetime(2025, 6, 1, tzinfo=UTC) + timedelta(days=draw.randrange(200), hours=draw.choice((0, 0, 13)))
    common = {
        "transaction_id": f"T{number:05}",
        "customer_id": draw.choice(("", *(f"C{draw.randrange(CUSTOMERS + 3):04}" for _ in range(9)))),
        "order_date": ordered.isoformat(),
        "order_status": draw.choice(STATUSES),
        "payment_method": draw.choice(("card", "cash", "")),
    }
    lines = []
    for line in range(1, draw.choice((1, 1, 2, 3)) + 1):
        cents, quantity = draw.randrange(0, 20_000), draw.choice((1, 2, 5, -1))
        lines.append(
            common
            | {
                "line_number": str(line),
                "product_id": f"P{draw.randrange(PRODUCTS + 2):03}",
                "quantity": str(quantity),
                "unit_price": f"{cents / 100:.2f}",
                "total_amount": f"{cents * quantity / 100:.2f}",
            }
        )
    return lines


def _product(draw: random.Random, number: int) -> dict[str, str]:
    return {
        "product_id": f"P{number:03}",
        "product_name": draw.choice((f"Desk lamp {number}", f"LAMP_{number}%", "Tischlampe Größe", "")),
        "category": draw.choice(CATEGORIES),
        "price": draw.choice((f"{number}.5", f"{number}.123", "")),
        "cost": f"{number}",
        "supplier": draw.choice(("Acme", "")),
    }


def nights() -> list[list[tuple[str, str]]]:
    """For each night its files: pairs of key below landing/ and content."""
    draw = random.Random(360)
    first = [
        (f"customers/dt={DAY_1}/c.csv", customers(*(_customer(draw, n) for n in range(CUSTOMERS)))),
        (f"products/dt={DAY_1}/p.csv", products(*(_product(draw, n) for n in range(PRODUCTS)))),
        (f"transactions/dt={DAY_1}/t.csv", transactions(*(row for n in range(ORDERS) for row in _order(draw, n)))),
    ]
    changed = sorted(draw.sample(range(CUSTOMERS), 30))
    second = [
        (f"customers/dt={DAY_2}/c.csv", customers(*(_customer(draw, n) for n in changed))),
        (f"products/dt={DAY_2}/p.csv", products(*(_product(draw, n) for n in (1, 4, PRODUCTS)))),
        (
            f"transactions/dt={DAY_2}/t.csv",
            transactions(*(row for n in range(ORDERS, ORDERS + 40) for row in _order(draw, n))),
        ),
    ]
    return [first, second]
