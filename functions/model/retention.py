"""How long each store keeps what it holds, as the model declares it, by class of data."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from functions.model.entry import Entry

Days = Annotated[int, Field(ge=1, le=3650)]

EVENT_DAYS = 14
"""Kafka sends again what is days old, and an event is known by its id for as long as it is kept."""


class Kept(Entry):
    """`personal`: days after which personal values are removed; `other`: after which the record is, with all of it."""

    personal: Days
    other: Days

    @model_validator(mode="after")
    def _personal_goes_first(self) -> Self:
        if self.other < self.personal:
            raise ValueError("a record that is gone keeps no personal values: `personal` is at most `other`")
        return self


class KeptPersonal(Entry):
    """Of a store whose records are personal as a whole: days after which they are removed."""

    personal: Days


class KeptEvents(Kept):
    """Of the clickstream."""

    other: Annotated[int, Field(ge=EVENT_DAYS, le=3650)]


class KeptWhole(Entry):
    """Of a store whose records have only pseudonyms of persons: days after which its records are removed."""

    other: Days


class KeptLogs(Entry):
    """Of the logs of functions and of the API, in days that CloudWatch has ("PutRetentionPolicy")."""

    personal: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731]


class Retention(Entry):
    """Stores and how long they keep. Dead letters and values of unknown columns are unclassified: all personal."""

    quarantine: Kept = Kept(personal=90, other=400)
    unknown_columns: KeptPersonal = KeptPersonal(personal=90)
    dead_letters: KeptPersonal = KeptPersonal(personal=90)
    events: KeptEvents = KeptEvents(personal=90, other=90)
    audit: KeptWhole = KeptWhole(other=1095)
    logs: KeptLogs = KeptLogs(personal=30)

    def rows(self) -> list[tuple[str, str, int]]:
        """Store, class and days of each."""
        return [(store, kind, days) for store, kept in self.model_dump().items() for kind, days in kept.items()]
