"""The shapes of an explained figure: what it counts, the rows behind it, and their files."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from functions.api.answers import Answer, Item, Money

_COUNTS = Field(description="What the row adds to the figure: an amount, 1, or 0 for a further line of an order.")
_FILE = Field(description="Key of the file in the landing zone; null where no file describes it.")
_ROW = Field(description="The file's row; 1 is the first after the header.")
_LINE = Field(description="The file's line; null where lines and rows do not go in step.")


class ExplainedLine(Item):
    """An order line behind a figure."""

    kind: Literal["line"]
    transaction_id: str
    line_number: int
    customer_id: str | None
    product_id: str
    order_date: datetime | None
    order_status: str | None
    quantity: int
    total_amount: Money
    counts: Annotated[Money, _COUNTS]
    file: Annotated[str | None, _FILE]
    row: Annotated[int | None, _ROW]
    line: Annotated[int | None, _LINE]
    run_id: str | None


class ExplainedCustomer(Item):
    """A customer behind a figure, and the row that describes them now."""

    kind: Literal["customer"]
    customer_id: str
    customer_segment: str | None
    country: str | None
    state: str | None
    total_orders: int
    lifetime_value: Money
    counts: Annotated[Money, _COUNTS]
    file: Annotated[str | None, _FILE]
    row: Annotated[int | None, _ROW]
    line: Annotated[int | None, _LINE]
    run_id: str | None


class ExplainedProduct(Item):
    """A product behind a figure, and the row that describes it now."""

    kind: Literal["product"]
    product_id: str
    product_name: str | None
    category: str | None
    total_sold: int
    revenue: Money
    counts: Annotated[Money, _COUNTS]
    file: Annotated[str | None, _FILE]
    row: Annotated[int | None, _ROW]
    line: Annotated[int | None, _LINE]
    run_id: str | None


class ExplainedEvent(Item):
    """An event of the clickstream behind a figure."""

    kind: Literal["event"]
    event_id: str
    event_type: str
    customer_id: str
    occurred_at: datetime
    product_id: str | None
    amount: Money | None
    loaded_at: datetime
    kafka_offset: Annotated[int, Field(description="Where its message stands in its partition of the topic.")]
    counts: Annotated[Money, _COUNTS]


class ExplainedFile(Answer):
    """What the rows of one file add to a figure."""

    file: Annotated[str | None, _FILE]
    run_id: str | None
    rows: int
    sum: Money


class ExplainedFigure(Answer):
    """A figure, in words and in rows."""

    panel: str
    column: str
    words: str
    against: Annotated[
        str | None, Field(description="The column that explains what the sum is divided by or compared with.")
    ]
    value: Annotated[
        Money | datetime | None, Field(description="As the panel shows it; null of several marks together.")
    ]
    sum: Annotated[Money, Field(description="What the rows add up to; of an average or a share, its numerator.")]
    total: Annotated[int, Field(description="All rows behind it.")]
    items: list[ExplainedLine | ExplainedCustomer | ExplainedProduct | ExplainedEvent]
    files: Annotated[list[ExplainedFile], Field(description="At most 100, those that add most first.")]
    files_total: int
    next: Annotated[str | None, Field(description="Absolute URL of the next rows; null on the last page.")]
