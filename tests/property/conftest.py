"""The nightly load's fixtures serve the property tests too."""

from tests.pipeline.conftest import migrated_database, migrated_template, night, s3_client

__all__ = ["migrated_database", "migrated_template", "night", "s3_client"]
