"""The rows of a sample, block by block: customers, products and transactions as CSV lines.

Every value is drawn from (seed, stream, index), so a block needs nothing from the blocks before it.
Money is in whole cents until it is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import gcd

import numpy as np

from cli.sample import vocabulary as words
from cli.sample.draws import Draws, Integers, exact_shares
from cli.sample.habits import Calendar, buyers, is_loyal, signed_up_before, signup_day
from cli.sample.shape import SampleShape

BLOCK = 30_000
"""Rows worked on at once. Part of the definition of a sample: shares are exact within each block.
It is a multiple of 3 and of 10, so that they are exact over all blocks as well."""

CUSTOMER_COLUMNS = "customer_id,first_name,last_name,email,phone,signup_date,country,state,city,customer_segment"
PRODUCT_COLUMNS = "product_id,product_name,category,price,cost,supplier"
TRANSACTION_COLUMNS = (
    "transaction_id,customer_id,order_date,product_id,quantity,unit_price,total_amount,payment_method,order_status"
)
_TRANSACTION = "T%09d,C%07d,%sZ,P%06d,%d,%d.%02d,%d.%02d,%s,%s\n"
"""A transaction's line. A template of this kind is half again as fast as an f-string of eleven numbers."""


@dataclass(frozen=True)
class Block:
    """Consecutive lines of one file, with what they add up to. `cents` is money in transactions, else 0."""

    text: str
    rows: int
    cents: int = 0


def _blocks(total: int) -> Iterator[Integers]:
    for first in range(0, total, BLOCK):
        yield np.arange(first, min(first + BLOCK, total), dtype=np.int64)


def quoted(value: str) -> str:
    """A CSV field (RFC 4180): quoted when it holds a comma, a quote or a line break."""
    if any(character in value for character in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def money(cents: int) -> str:
    """Whole cents as a decimal number with two places."""
    return f"{cents // 100}.{cents % 100:02d}"


@lru_cache
def _in_email(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().replace("ø", "o"))
    return "".join(character for character in plain if character.isascii() and character.isalpha())


def customers(shape: SampleShape) -> Iterator[Block]:
    """Blocks of customers.csv. Ids are in order of signing up; the loyal are likelier to be in a high segment."""
    draws = Draws(shape.seed)
    city_weights = tuple(city.weight for city in words.CITIES)
    for index in _blocks(shape.customers):
        standing = (draws.bits("customer standing", index) >> np.uint64(1)) + is_loyal(draws, index).astype(
            np.uint64
        ) * np.uint64(1 << 62)
        columns = zip(
            index.tolist(),
            draws.below("customer first name", index, len(words.FIRST_NAMES)).tolist(),
            draws.below("customer last name", index, len(words.LAST_NAMES)).tolist(),
            draws.below("customer domain", index, len(words.EMAIL_DOMAINS)).tolist(),
            draws.weighted("customer city", index, city_weights).tolist(),
            draws.below("customer phone", index, 10_000).tolist(),
            signup_day(shape, index).tolist(),
            exact_shares(standing, words.SEGMENT_WEIGHTS).tolist(),
            strict=True,
        )
        lines = [_customer(shape.first_signup, *values) for values in columns]
        yield Block("".join(lines), len(lines))


def _customer(
    first_signup: date, i: int, first: int, last: int, domain: int, place: int, phone: int, day: int, segment: int
) -> str:
    first_name, last_name, city = words.FIRST_NAMES[first], words.LAST_NAMES[last], words.CITIES[place]
    number = phone % 10**city.phone_digits
    return (
        f"{customer_id(i)},{first_name},{last_name},"
        f"{_in_email(first_name)}.{_in_email(last_name)}{i + 1}@{words.EMAIL_DOMAINS[domain]},"
        f"{city.phone_prefix}{number:0{city.phone_digits}d},{first_signup + timedelta(days=day)},"
        f"{city.country},{city.state},{quoted(city.city)},{words.SEGMENTS[segment]}\n"
    )


def customer_id(index: int) -> str:
    """The business key of the customer at `index` (from 0)."""
    return f"C{index + 1:07d}"


def products(shape: SampleShape) -> Iterator[Block]:
    """Blocks of products.csv."""
    draws = Draws(shape.seed)
    for index in _blocks(shape.products):
        kind = _category(draws, index)
        price = _price(draws, index)
        margin = draws.below("product margin", index, 40)
        columns = zip(
            index.tolist(),
            kind.tolist(),
            draws.below("product quality", index, 5).tolist(),
            draws.below("product thing", index, 8).tolist(),
            draws.below("product supplier", index, 3).tolist(),
            price.tolist(),
            (price * (45 + margin) // 100).tolist(),
            strict=True,
        )
        lines = [_product(*values) for values in columns]
        yield Block("".join(lines), len(lines))


def _product(i: int, kind: int, quality: int, thing: int, supplier: int, price: int, cost: int) -> str:
    category = words.CATEGORIES[kind]
    name = quoted(f"{category.qualities[quality]} {category.things[thing]} {100 + i % 900}")
    return (
        f"{product_id(i)},{name},{category.name},{money(price)},{money(cost)},{quoted(category.suppliers[supplier])}\n"
    )


def product_id(index: int) -> str:
    """The business key of the product at `index` (from 0)."""
    return f"P{index + 1:06d}"


def _category(draws: Draws, index: Integers) -> Integers:
    return draws.below("product category", index, len(words.CATEGORIES))


def _price(draws: Draws, index: Integers) -> Integers:
    """List prices in cents: many cheap, few dear, most ending in .99."""
    kind = _category(draws, index)
    cheapest = np.array([category.cheapest for category in words.CATEGORIES], dtype=np.int64)[kind]
    dearest = np.array([category.dearest for category in words.CATEGORIES], dtype=np.int64)[kind]
    whole = (cheapest + draws.low_below("product price", index, dearest - cheapest)) // 100 * 100
    endings = np.array([99, 99, 99, 95, 49, 25, 37, 0], dtype=np.int64)
    return np.asarray(whole + endings[draws.below("product ending", index, 8)] + 100, dtype=np.int64)


def transactions(shape: SampleShape) -> Iterator[Block]:
    """Blocks of transactions.csv, a row per order line, in order of time.

    Orders have 1, 2, … `lines_per_order` lines in turn, of different products; the lines of one order share its
    id, customer, instant, payment method and status. Each total is exactly quantity times unit price.
    """
    draws = Draws(shape.seed)
    when = Calendar(shape)
    orders = _order_count(shape)
    step = _coprime_step(shape.products)
    payments, statuses = np.array(words.PAYMENT_METHODS), np.array(words.STATUSES)
    written = 0
    for order in _blocks(orders):
        day, moment = when.of(draws, order, orders)
        buyer = buyers(draws, order, signed_up_before(shape, day))
        payment = draws.weighted("order payment", order, words.PAYMENT_WEIGHTS)
        status = exact_shares(draws.bits("order status", order), words.STATUS_WEIGHTS)
        popular = draws.low_below("order product", order, shape.products)

        sizes = 1 + order % shape.lines_per_order
        at = np.repeat(np.arange(len(order)), sizes)[: shape.transactions - written]
        nth = np.arange(len(at)) - (np.cumsum(sizes) - sizes)[at]
        line = order[at] * shape.lines_per_order + nth
        product = ((popular[at] + nth) % shape.products * step) % shape.products
        quantity = 1 + draws.weighted("line quantity", line, words.QUANTITY_WEIGHTS)
        price = _price(draws, product)
        price = np.where(draws.below("line discount", line, 10) == 0, price * 9 // 10, price)
        total = quantity * price
        written += len(at)
        columns = zip(
            (order[at] + 1).tolist(), (buyer[at] + 1).tolist(), moment[at].tolist(), (product + 1).tolist(),
            quantity.tolist(), (price // 100).tolist(), (price % 100).tolist(), (total // 100).tolist(),
            (total % 100).tolist(), payments[payment[at]].tolist(), statuses[status[at]].tolist(), strict=True,
        )  # fmt: skip
        lines = [_TRANSACTION % values for values in columns]
        yield Block("".join(lines), len(lines), int(total.sum()))


def _order_count(shape: SampleShape) -> int:
    """Orders needed for `shape.transactions` lines; the last one may be cut short."""
    longest = shape.lines_per_order
    cycles, rest = divmod(shape.transactions, longest * (longest + 1) // 2)
    orders = cycles * longest
    for size in range(1, longest + 1):
        if rest <= 0:
            break
        rest -= size
        orders += 1
    return orders


def _coprime_step(total: int) -> int:
    """A step that visits every position of a circle of `total`, so that best sellers are not neighbours."""
    step = total * 618 // 1000 + 1
    while gcd(step, total) != 1:
        step += 1
    return step
