"""The shapes of what is told about one customer: timeline, history, origin."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from functions.api.resources.models import Answer, Item, Money, Page

_FILE = Field(description="Key of the file in the landing zone.", examples=["landing/customers/dt=2026-10-31/c.csv"])
_ROW = Field(description="The file's row that says so; 1 is the first after the header.", examples=[42])


class Change(Answer):
    """An attribute that a file has changed."""

    field: Annotated[str, Field(examples=["city"])]
    before: Annotated[str | None, Field(examples=["Berlin"])]
    after: Annotated[str | None, Field(examples=["Hamburg"])]


class OrderEntry(Answer):
    """An order of the customer's."""

    transaction_id: str
    order_status: str | None
    lines: int
    total_amount: Money


class ProfileEntry(Answer):
    """What was said of the customer for the first time, or differently than before."""

    changes: list[Change]


class StatusEntry(Answer):
    """The customer vanished from a complete list, or came back to it."""

    is_deleted: bool


class EventEntry(Answer):
    """Something that the customer did on the website."""

    event_type: str
    product_id: str | None
    amount: Money | None
    session_id: str | None


class TimelineEntry(Item):
    """Something that happened to or with a customer."""

    at: datetime
    kind: Literal["order", "profile", "status", "event"]
    id: Annotated[str, Field(description="Names the entry among those of its kind and instant.")]
    data: OrderEntry | ProfileEntry | StatusEntry | EventEntry


class Timeline(Page):
    """A customer's timeline."""

    items: list[TimelineEntry]


class CustomerVersion(Item):
    """A customer's attributes from `effective_at` until `ended_at`, and where they come from."""

    version: Annotated[int, Field(description="1 is the oldest.", examples=[1])]
    effective_at: datetime
    ended_at: Annotated[datetime | None, Field(description="When the next version began; null for the last one.")]
    loaded_at: Annotated[datetime, Field(description="Since when this is known.")]
    file: Annotated[str, _FILE]
    row: Annotated[int, _ROW]
    run_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    country: str | None
    state: str | None
    city: str | None
    customer_segment: str | None
    signup_date: date | None


class History(Page):
    """A customer's versions."""

    items: list[CustomerVersion]


class ExplainedField(Answer):
    """A field of the profile and where its value comes from.

    A stated value comes from the row that first said it without being contradicted since; a computed one follows
    `rule`, over all order lines, when the marts were published.
    """

    field: Annotated[str, Field(examples=["city"])]
    value: Annotated[str | None, Field(description="As text, amounts exact.", examples=["Hamburg"])]
    origin: Literal["stated", "computed"]
    rule: Annotated[str | None, Field(examples=["orders, not order lines"])]
    file: Annotated[str | None, _FILE]
    row: Annotated[int | None, _ROW]
    run_id: str | None
    effective_at: datetime | None
    loaded_at: datetime | None


class Explanation(Answer):
    """Each field of a customer's profile with its origin."""

    customer_id: str
    fields: list[ExplainedField]
