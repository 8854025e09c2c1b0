"""What a card shows by its SQL, and what the API says of the same, in one form that can be compared."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import psycopg

from dashboards.description import Card

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")

type Row = dict[str, Any]


def queried(connection: psycopg.Connection, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows of a query by column."""
    with connection.cursor() as cursor:
        cursor.execute(query.encode(), parameters)
        names = [each.name for each in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def figures_of_api(api: httpx.Client, card: Card, filters: Mapping[Any, Any] | None = None) -> list[Row]:
    """The card's columns in the API's answer under the filters that apply to it."""
    applied: dict[str, Any] = {name: value for name, value in (filters or {}).items() if name in card.metric.filters}
    answer = api.get(f"/metrics/{card.metric.name}", params=applied)
    assert answer.status_code == 200, answer.text
    said = json.loads(answer.text, parse_float=Decimal)
    items = [said] if card.metric.shape == "object" else said["items"]
    return plain([{name: item[name] for name in card.shown} for item in items])


def plain(rows: list[Row]) -> list[Row]:
    """Numbers with all their digits in the shortest form, days and instants (in UTC) as ISO 8601, text as it is."""
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> str | None:
    match value:
        case None:
            return None
        case int() | Decimal():
            return f"{Decimal(value).normalize():f}"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case str() if _INSTANT.match(value):
            return datetime.fromisoformat(value).astimezone(UTC).isoformat()
        case _:
            return str(value)
