"""The nightly load's fixtures serve the property tests too."""

from collections.abc import Iterator

import pytest

from tests.support.night import Night
from tests.support.night_fixtures import migrated_database, migrated_template, night, s3_client
from tests.support.warm_night import WarmNight

__all__ = ["migrated_database", "migrated_template", "night", "s3_client", "warm"]


@pytest.fixture
def warm(night: Night) -> Iterator[WarmNight]:
    warm = WarmNight(night.admin_url, night.s3, seconds_left=lambda: 0)  # each batch in a call of its own
    yield warm
    warm.connect().close()
