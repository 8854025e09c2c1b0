"""The stream's fixtures fill what the routes of the clickstream show."""

from tests.stream.conftest import consumer, stream_database

__all__ = ["consumer", "stream_database"]
