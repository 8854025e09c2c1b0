"""The context that Lambda hands to a handler, with the little that ours read, and connections that tests close."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common.database import Connection, ConnectionHolder
from functions.common.settings import DatabaseSettings


def lambda_context() -> LambdaContext:
    """A context as of an invocation."""
    context = LambdaContext()
    context._log_stream_name = "2026/11/23/[$LATEST]stream"
    return context


@contextmanager
def handler_signed_in(module: ModuleType, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The handler's module with settings and a connection of its own for this database."""
    opened: list[Connection] = []

    class ClosingHolder(ConnectionHolder):
        @contextmanager
        def transaction(self, settings: DatabaseSettings) -> Iterator[Connection]:
            with super().transaction(settings) as connection:
                opened.append(connection)
                yield connection

    monkeypatch.setattr(module, "_connections", ClosingHolder())
    monkeypatch.setattr(module, "_database", lambda: DatabaseSettings.model_validate({"database_url": url}))
    yield
    for connection in opened:
        connection.close()
