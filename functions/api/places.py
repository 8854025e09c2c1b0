"""Places that are taken for a while by some of many: who comes when all are taken waits for one, for so long at most.

A semaphore with a time limit; `asyncio.timeout` around a `Semaphore` takes several times as long, and every request
waits for a connection once.
"""

import asyncio
from collections import deque

from functions.common.errors import TransientError


class Places:
    """`async with places:` takes one of `count`, in the order of coming. Raises `busy` after `seconds`."""

    def __init__(self, count: int, seconds: float, busy: type[TransientError]) -> None:
        self._free = count
        self._seconds = seconds
        self._busy = busy
        self._waiting: deque[asyncio.Future[bool]] = deque()

    async def __aenter__(self) -> None:
        if self._free:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(waiter)
        limit = loop.call_later(self._seconds, _settle, waiter, False)
        try:
            has_place = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.result():
                self._give_back()  # it was given one at the moment at which its caller left
            raise
        finally:
            limit.cancel()
        if not has_place:
            raise self._busy("too many others wait or are answered now")

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def _give_back(self) -> None:
        while self._waiting:
            if _settle(self._waiting.popleft(), True):
                return
        self._free += 1


def _settle(waiter: asyncio.Future[bool], has_place: bool) -> bool:
    """Whether it still waited."""
    if waiter.done():
        return False
    waiter.set_result(has_place)
    return True
