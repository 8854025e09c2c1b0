"""Fixtures of the nightly load."""

from tests.support.night_fixtures import migrated_database, migrated_template, night, s3_client

__all__ = ["migrated_database", "migrated_template", "night", "s3_client"]
