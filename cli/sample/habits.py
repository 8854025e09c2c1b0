"""When customers sign up, when orders are placed, and who places them.

A customer keeps its habit for the whole sample, since it follows from the customer's index alone.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from cli.sample import vocabulary as words
from cli.sample.draws import Draws, Integers
from cli.sample.shape import SIGNUP_WINDOWS, SampleShape

_HOUSEHOLDS = 20
"""Customers come in groups of this many; one of each is loyal, one hardly ever orders."""
_FREQUENT = 4
"""One in this many customers orders often."""


def signup_day(shape: SampleShape, index: Integers) -> Integers:
    """Days after `shape.first_signup` on which each customer signed up; grows with the index."""
    return index * ((SIGNUP_WINDOWS + 1) * shape.days) // shape.customers


def signed_up_before(shape: SampleShape, day: Integers) -> Integers:
    """How many customers signed up before each day of the order window: the inverse of `signup_day`."""
    known = -(-(day + SIGNUP_WINDOWS * shape.days) * shape.customers // ((SIGNUP_WINDOWS + 1) * shape.days))
    return np.clip(known, 1, shape.customers)


def _loyal_place(draws: Draws, household: Integers) -> Integers:
    return draws.below("household", household, _HOUSEHOLDS)


def is_loyal(draws: Draws, index: Integers) -> Integers:
    """1 for the loyal customer of each household, 0 for the others."""
    return np.asarray(index % _HOUSEHOLDS == _loyal_place(draws, index // _HOUSEHOLDS), dtype=np.int64)


def buyers(draws: Draws, order: Integers, known: Integers) -> Integers:
    """Who placed each order, out of the first `known` customers: some often, most rarely, some never."""
    anybody = draws.below("order buyer", order, known)
    kind = draws.below("order buyer kind", order, 10)
    household = anybody // _HOUSEHOLDS
    loyal = household * _HOUSEHOLDS + _loyal_place(draws, household)
    never = household * _HOUSEHOLDS + (_loyal_place(draws, household) + 7) % _HOUSEHOLDS
    buyer = np.where(kind < 3, loyal, np.where(kind < 6, anybody // _FREQUENT * _FREQUENT, anybody))
    buyer = np.where(buyer == never, loyal, buyer)
    return np.where(buyer < known, buyer, household * _HOUSEHOLDS)


class Calendar:
    """Spreads orders over the window by hour, weekday and month, in order of time."""

    def __init__(self, shape: SampleShape) -> None:
        dates = [shape.start + timedelta(days=day) for day in range(shape.days)]
        by_day = [words.WEEKDAY_WEIGHTS[each.weekday()] * words.MONTH_WEIGHTS[each.month - 1] for each in dates]
        weights = np.outer(by_day, words.HOUR_WEIGHTS).ravel().astype(np.int64)
        self._weights = weights
        self._ends = np.cumsum(weights)
        self._start = np.datetime64(shape.start.isoformat(), "s")

    def _place(self, order: Integers, orders: int) -> Integers:
        """Where in the weighted hours each of `orders` begins, in 3600ths of a weight, without overflow."""
        each, rest = divmod(int(self._ends[-1]) * 3600, orders)
        return order * each + order * rest // orders

    def of(self, draws: Draws, order: Integers, orders: int) -> tuple[Integers, NDArray[np.str_]]:
        """The day of the window (from 0) and the instant, ISO 8601 without zone, of each order of `orders`."""
        first, following = self._place(order, orders), self._place(order + 1, orders)
        spread = draws.below("order time", order, 1 << 20)
        place = first + ((following - first) * spread >> 20)
        hour = np.searchsorted(self._ends, place // 3600, side="right")
        seconds = hour * 3600 + (place - (self._ends[hour] - self._weights[hour]) * 3600) // self._weights[hour]
        return hour // 24, np.datetime_as_string(self._start + seconds.astype("timedelta64[s]"))
