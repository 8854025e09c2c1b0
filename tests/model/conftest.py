"""A night for what is rendered to be run on."""

from tests.support.night_fixtures import migrated_database, migrated_template, night, s3_client

__all__ = ["migrated_database", "migrated_template", "night", "s3_client"]
