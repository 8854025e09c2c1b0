"""The contract of a clickstream event: one JSON object a message, checked once, frozen afterwards."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from functions.common.errors import DataError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
FARTHEST_AHEAD = timedelta(days=1)
_LONGEST_BYTES = 1000  # as of the vault's other keys: an entry of a B-tree holds 2704 bytes

_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))

EventType = Literal["page_view", "click", "purchase"]


class ContractError(DataError):
    """A message is not an event; `reasons` are all that is wrong with it, without its values."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(f"this message is not an event: {'; '.join(reasons)}")
        self.reasons = reasons


def _iso(value: object) -> object:
    # otherwise pydantic reads "20261124" as seconds since 1970
    if isinstance(value, str) and value[4:5] == "-":
        return value
    raise ValueError("a timestamp is ISO 8601")


class ClickEvent(BaseModel):
    """A visitor's action on the website. A timestamp without a zone is in UTC; an empty optional value is none.

    Fields that the contract does not name are kept beside those of `properties`.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    event_id: Annotated[str, Field(min_length=1)]
    event_type: EventType
    customer_id: Annotated[str, Field(min_length=1)]
    timestamp: Annotated[datetime, BeforeValidator(_iso), Field(strict=False)]
    product_id: str | None = None
    # a JSON number of 15 digits survives being a double
    amount: Annotated[Decimal, Field(max_digits=15, decimal_places=6)] | None = None
    session_id: str | None = None
    properties: dict[str, Any] | None = None

    @property
    def occurred_at(self) -> datetime:
        """The timestamp, in its zone, which is UTC where the message names none."""
        return self.timestamp if self.timestamp.tzinfo else self.timestamp.replace(tzinfo=UTC)

    def properties_json(self) -> str | None:
        """`properties` and the unnamed fields as JSON. Raises ValueError for a number that JSON cannot hold."""
        every = {**(self.__pydantic_extra__ or {}), **(self.properties or {})}
        return _JSON.encode(every) if every else None


def parse(raw: bytes, now: datetime) -> tuple[ClickEvent, str | None]:
    """The event that a message holds, and its properties as JSON.

    `now` is what a timestamp may not be far ahead of. Raises ContractError with every reason why there is no event.
    """
    try:
        event = ClickEvent.model_validate_json(raw)
    except ValidationError as error:
        raise ContractError(tuple(_reason(each) for each in error.errors(include_input=False))) from None
    reasons = _unfit(event, raw, now)
    properties = None
    try:
        properties = event.properties_json()
    except ValueError:
        reasons.append("properties: number_out_of_range")
    if reasons:
        raise ContractError(tuple(reasons))
    return event, properties


def _reason(problem: Any) -> str:
    return f"{'.'.join(map(str, problem['loc'])) or 'message'}: {problem['type']}"


def _unfit(event: ClickEvent, raw: bytes, now: datetime) -> list[str]:
    """What the database could not hold, or would hold for ever as the newest."""
    reasons = []
    occurred_at = event.occurred_at
    if occurred_at < EARLIEST:
        reasons.append("timestamp: before_1970")
    elif occurred_at > now + FARTHEST_AHEAD:
        reasons.append("timestamp: more_than_a_day_ahead")
    if len(raw) > _LONGEST_BYTES:
        reasons += [
            f"{name}: longer_than_{_LONGEST_BYTES}_bytes"
            for name in ("event_id", "customer_id", "product_id", "session_id")
            if len((getattr(event, name) or "").encode()) > _LONGEST_BYTES
        ]
    if b"\\u0000" in raw and _holds_nul(event.model_dump()):
        reasons.append("message: nul_character")
    return reasons


def _holds_nul(value: object) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
        case list():
            return any(map(_holds_nul, value))
        case _:
            return False
