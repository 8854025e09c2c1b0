"""The stream's fixtures serve the tests of what the API shows of events."""

from tests.support.stream_fixtures import consumer, stream_database

__all__ = ["consumer", "stream_database"]
