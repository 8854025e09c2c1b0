"""Fixtures of the nightly load, and the database's server, whose log is read."""

from tests.support.night_fixtures import migrated_template, s3_client

__all__ = ["migrated_template", "s3_client"]
