"""The context that Lambda hands to a handler, with the little that ours read, and connections that tests close."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common import environment
from tests.support.connection_holder import ClosingHolder


class _JustInvoked(LambdaContext):
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


def lambda_context() -> LambdaContext:
    """A context as of an invocation that has just begun."""
    context = _JustInvoked()
    context._log_stream_name = "2026/11/23/[$LATEST]stream"
    return context


@contextmanager
def handler_signed_in(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An execution environment that has just started, whose connection goes to this database."""
    holder = ClosingHolder()
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr(environment, "connections", holder)
    monkeypatch.setattr(environment, "settings", lambda kind: kind.from_environment())
    try:
        yield
    finally:
        holder.close()
