"""A panel as CSV: what is shown, digit for digit, and nothing that a spreadsheet would compute."""

import csv
import io
import json
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from functions.api.resources.exports import as_csv
from functions.model.metrics import load_metrics

METRICS = load_metrics().metrics


@pytest.mark.parametrize("name", METRICS)
def test_a_panel_exports_what_it_shows(night_client: httpx.Client, name: str) -> None:
    answer = night_client.get(f"/metrics/{name}/csv?segment=Gold&status=Completed")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    shown = json.loads(
        night_client.get(f"/metrics/{name}?segment=Gold&status=Completed").text, parse_float=str, parse_int=str
    )
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert header == list(METRICS[name].columns)
    items = [shown] if METRICS[name].shape == "object" else shown["items"]
    assert rows == [[_cell(item[column]) for column in header] for item in items]


def _cell(shown: str | None) -> str:
    """A value of JSON as CSV has it; PostgreSQL's JSON leaves out the zeros at the end of an instant's microseconds."""
    if shown and "T" in shown and ":" in shown:
        return datetime.fromisoformat(shown).isoformat()
    return shown or ""


def test_what_a_spreadsheet_would_compute_is_text_and_numbers_stay_numbers() -> None:
    texts = ['=HYPERLINK("http://x")', "+1", "-1", "@x", "\tx", "\rx", "x=1", 'a "quoted", text\n', "é"]
    items = [{"order_status": text, "orders": -3, "order_lines": 1, "revenue": -1.50} for text in texts]
    body = json.dumps({"items": items})
    _, *rows = csv.reader(io.StringIO(as_csv(METRICS["orders-by-status"], body, ZoneInfo("UTC")), newline=""))
    assert [row[0] for row in rows] == [f"'{text}" for text in texts[:6]] + texts[6:]
    assert rows[0][1:] == ["-3", "1", "-1.5"]


def test_instants_are_told_in_the_reporting_time_zone() -> None:
    row = {"event_type": "click", "event_count": 1, "last_event_time": "2025-10-26T00:30:00+00:00"}
    body = json.dumps({"items": [row | {"total_purchase_amount": 0}]})
    assert "2025-10-26T02:30:00+02:00" in as_csv(METRICS["live-events"], body, ZoneInfo("Europe/Berlin"))
