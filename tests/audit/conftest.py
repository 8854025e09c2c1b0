"""The nightly load's fixtures serve the audit trail too."""

from tests.support.night_fixtures import migrated_database, migrated_template, night, s3_client

__all__ = ["migrated_database", "migrated_template", "night", "s3_client"]
