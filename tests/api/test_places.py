"""Places that are taken for a while: nobody waits for ever, and none is lost."""

import asyncio

import pytest

from functions.api.places import Places
from functions.common.errors import DatabaseUnavailableError


def test_all_are_served_in_the_order_of_coming() -> None:
    served: list[int] = []
    at_once = 0

    async def use(places: Places, number: int) -> None:
        nonlocal at_once
        async with places:
            at_once += 1
            assert at_once <= 2
            await asyncio.sleep(0.001)
            served.append(number)
            at_once -= 1

    async def run() -> None:
        places = Places(2, 5, DatabaseUnavailableError)
        await asyncio.gather(*(use(places, number) for number in range(20)))

    asyncio.run(run())
    assert served == list(range(20))


def test_who_waits_too_long_is_told_and_leaves_no_gap() -> None:
    async def run() -> None:
        places = Places(1, 0.02, DatabaseUnavailableError)
        async with places:
            with pytest.raises(DatabaseUnavailableError):
                async with places:
                    raise AssertionError("there is one place")
        async with places:  # free again
            pass

    asyncio.run(run())


def test_a_place_given_to_who_has_just_left_goes_to_the_next() -> None:
    async def run() -> None:
        places = Places(1, 5, DatabaseUnavailableError)

        async def use() -> str:
            async with places:
                return "served"

        async with places:
            leaving, staying = asyncio.create_task(use()), asyncio.create_task(use())
            await asyncio.sleep(0)
        leaving.cancel()  # it has been given the place and does not run yet
        assert await asyncio.wait_for(staying, 1) == "served"
        with pytest.raises(asyncio.CancelledError):
            await leaving
        async with asyncio.timeout(1), places:
            pass

    asyncio.run(run())
