"""The stream's fixtures serve the tests of what the API shows of events, the night's those of what is taken back."""

from tests.support.night_fixtures import migrated_database, migrated_template, night, s3_client
from tests.support.stream_fixtures import consumer, stream_database

__all__ = ["consumer", "migrated_database", "migrated_template", "night", "s3_client", "stream_database"]
