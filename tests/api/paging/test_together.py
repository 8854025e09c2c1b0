"""Objects asked for at the same time share statements, and each caller gets the own one."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import pytest

from functions.api.database import Database
from functions.api.paging import together
from functions.api.paging.together import Together
from functions.api.prepared import Row
from functions.common.errors import DatabaseUnavailableError


class Shelf:
    """A database with the objects a to z, which takes a moment."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.is_away = False

    async def read_rows(self, _statement: bytes, parameters: Mapping[str, Any]) -> list[Row]:
        self.asked.append(parameters["keys"])
        await asyncio.sleep(0.01)
        if self.is_away:
            raise DatabaseUnavailableError("away")
        return [(key, f"{key}-{parameters.get('as_of')}") for key in parameters["keys"] if len(key) == 1]


def on_a_loop[**P](test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run the test on an event loop of its own."""

    @functools.wraps(test)
    def run(*given: P.args, **named: P.kwargs) -> None:
        async def scenario() -> None:
            await test(*given, **named)

        asyncio.run(scenario())

    return run


def _read(shelf: Shelf, reader: Together, key: str, **parameters: str) -> asyncio.Task[str | None]:
    return asyncio.ensure_future(reader.read(cast("Database", shelf), b"select", key, parameters))


@on_a_loop
async def test_who_comes_while_others_are_read_shares_the_next_statement() -> None:
    shelf, reader = Shelf(), Together()
    found = await asyncio.gather(*(_read(shelf, reader, key) for key in ("a", "b", "c", "none", "d", "d")))
    assert found == ["a-None", "b-None", "c-None", None, "d-None", "d-None"]
    assert len(shelf.asked) <= together.STATEMENTS_AT_ONCE + 1
    assert sorted(key for keys in shelf.asked for key in keys) == ["a", "b", "c", "d", "none"]


@on_a_loop
async def test_other_parameters_are_other_statements() -> None:
    shelf, reader = Shelf(), Together()
    found = [*await asyncio.gather(_read(shelf, reader, "a", as_of="1"), _read(shelf, reader, "a", as_of="2"))]
    assert found == ["a-1", "a-2"]


@on_a_loop
async def test_an_answer_is_never_older_than_its_question() -> None:
    shelf, reader = Shelf(), Together()
    first = _read(shelf, reader, "a")
    await asyncio.sleep(0.005)
    assert [*await asyncio.gather(first, _read(shelf, reader, "a"))] == ["a-None", "a-None"]
    assert shelf.asked == [["a"], ["a"]]


@on_a_loop
async def test_a_failure_reaches_everyone_who_waits_and_nobody_after() -> None:
    shelf, reader = Shelf(), Together()
    shelf.is_away = True
    failed = await asyncio.gather(*(_read(shelf, reader, key) for key in "abc"), return_exceptions=True)
    assert {type(each) for each in failed} == {DatabaseUnavailableError}
    shelf.is_away = False
    assert await _read(shelf, reader, "a") == "a-None"


@on_a_loop
async def test_a_caller_who_leaves_takes_the_answer_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "STATEMENTS_AT_ONCE", 1)
    shelf, reader = Shelf(), Together()
    leaving, staying = _read(shelf, reader, "a"), _read(shelf, reader, "a")
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == "a-None"
