"""Fixtures of the stream."""

from tests.support.stream_fixtures import consumer, stream_database

__all__ = ["consumer", "stream_database"]
