"""One customer's timeline, history and origin, against what the files say."""

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest

from tests.support import night_files, oracle
from tests.support.api_items import CUSTOMER, walk

ATTRIBUTES = CUSTOMER[1:10]


def _stated() -> dict[str, list[tuple[str, int, dict[str, str]]]]:
    """For each customer what files said of them, the oldest first: key of the file, its row, the row's cells."""
    found: dict[str, list[tuple[str, int, dict[str, str]]]] = {}
    for files in night_files.nights():
        for key, content in files:
            if key.startswith("customers/"):
                for number, row in enumerate(csv.DictReader(io.StringIO(content)), 1):
                    found.setdefault(row["customer_id"], []).append((f"landing/{key}", number, row))
    return found


STATED = _stated()
LINES = {f"landing/{key}": content.splitlines() for files in night_files.nights() for key, content in files}
CHANGED = [customer_id for customer_id, said in STATED.items() if len(said) > 1][:8]
ONCE = [customer_id for customer_id, said in STATED.items() if len(said) == 1][:4]


def _values(row: dict[str, str]) -> dict[str, str | None]:
    return {name: row[name] or None for name in ATTRIBUTES}


def _changes(customer_id: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """For each version, its day and what it changed."""
    before: dict[str, str | None] = dict.fromkeys(ATTRIBUTES)
    found = []
    for key, _, row in STATED[customer_id]:
        now = _values(row)
        changes = [
            {"field": name, "before": before[name], "after": now[name]}
            for name in ATTRIBUTES
            if now[name] != before[name]
        ]
        found.append((key.split("dt=")[1][:10], changes))
        before = now
    return found


@pytest.mark.parametrize("customer_id", [*CHANGED, *ONCE])
def test_history_holds_every_version_with_its_file_row_and_line(night_client: httpx.Client, customer_id: str) -> None:
    versions = night_client.get(f"/customers/{customer_id}/history").json()
    said = STATED[customer_id]
    assert versions["total"] == len(said)
    for number, (version, (key, row_number, row)) in enumerate(zip(versions["items"], said, strict=True), 1):
        assert {name: version[name] for name in ATTRIBUTES} == _values(row)
        assert (version["version"], version["file"], version["row"]) == (number, key, row_number)
        assert LINES[key][version["line"] - 1].startswith(customer_id)
        assert version["effective_at"].startswith(key.split("dt=")[1][:10])
        following = said[number][0].split("dt=")[1][:10] if number < len(said) else None
        assert (version["ended_at"] and version["ended_at"][:10]) == following
        assert version["run_id"]
        assert datetime.fromisoformat(version["loaded_at"]).year >= 2026


@pytest.mark.parametrize("customer_id", [*CHANGED, *ONCE])
def test_the_timeline_merges_orders_and_changes_the_newest_first(night_client: httpx.Client, customer_id: str) -> None:
    marts = oracle.marts(file for files in night_files.nights() for file in files)
    orders: dict[str, list[tuple[Any, ...]]] = {}
    for line in marts.lines:
        if line[2] == customer_id:
            orders.setdefault(line[0], []).append(line)
    want = [
        {
            "at": lines[0][4].isoformat(),
            "kind": "order",
            "data": {
                "transaction_id": order_id,
                "order_status": lines[0][9],
                "lines": len(lines),
                "total_amount": sum(line[7] for line in lines),
            },
        }
        for order_id, lines in orders.items()
    ]
    want += [
        {"at": f"{day}T00:00:00+00:00", "kind": "profile", "data": {"changes": changes}}
        for day, changes in _changes(customer_id)
    ]
    for limit in ("2", "1000"):
        pages = list(walk(night_client, f"/customers/{customer_id}/timeline", {"limit": limit}))
        entries = [item for page in pages for item in page["items"]]
        assert {page["total"] for page in pages} == {len(want)}
        instants = [entry["at"] for entry in entries]
        assert instants == sorted(instants, reverse=True)
        assert len({(entry["kind"], entry.pop("id")) for entry in entries}) == len(entries)
        assert sorted(map(_plain, entries)) == sorted(map(_plain, want))
    only = night_client.get(f"/customers/{customer_id}/timeline?kind=order&limit=1000").json()
    assert only["total"] == len(orders)


def _plain(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, default=lambda value: str(Decimal(value).normalize()))


@pytest.mark.parametrize("customer_id", [*CHANGED, *ONCE])
def test_explain_names_the_row_and_line_that_first_said_what_still_holds(
    night_client: httpx.Client, customer_id: str
) -> None:
    answer = night_client.get(f"/customers/{customer_id}/explain").json()
    fields = {field["field"]: field for field in answer["fields"]}
    assert answer["customer_id"] == customer_id
    assert list(fields) == list(CUSTOMER[1:])
    for name in ATTRIBUTES:
        said = [(key, number, row[name]) for key, number, row in STATED[customer_id]]
        first = len(said) - 1
        while first and said[first - 1][2] == said[-1][2]:
            first -= 1
        key, number, value = said[first]
        field = fields[name]
        assert (field["value"], field["file"], field["row"]) == (value or None, key, number), name
        assert LINES[key][field["line"] - 1].startswith(customer_id)
        assert field["origin"] == "stated"
        assert field["effective_at"].startswith(key.split("dt=")[1][:10])
        assert field["run_id"]
        assert field["loaded_at"]


def test_explained_figures_are_the_profiles_and_name_their_rule_and_run(
    night_client: httpx.Client, night_url: str
) -> None:
    with psycopg.connect(night_url) as connection:
        published = connection.execute("select run_id from metadata.mart_publication limit 1").fetchone()
    for customer_id in CHANGED:
        profile = json.loads(night_client.get(f"/customers/{customer_id}").text, parse_float=Decimal)
        for field in night_client.get(f"/customers/{customer_id}/explain").json()["fields"]:
            shown = profile[field["field"]]
            if isinstance(shown, bool):
                assert field["value"] == str(shown).lower()
            elif isinstance(shown, Decimal | int):
                assert Decimal(field["value"]) == shown
            else:
                assert field["value"] == shown
            if field["origin"] == "computed":
                assert field["rule"]
                assert (field["run_id"],) == published
                assert field["file"] is None


def test_a_customer_known_from_orders_only_has_orders_and_no_history(night_client: httpx.Client) -> None:
    customer_id = f"C{night_files.CUSTOMERS:04}"
    assert night_client.get(f"/customers/{customer_id}").json()["first_name"] is None
    assert night_client.get(f"/customers/{customer_id}/history").json() == {"items": [], "total": 0, "next": None}
    timeline = night_client.get(f"/customers/{customer_id}/timeline?limit=1000").json()
    assert {entry["kind"] for entry in timeline["items"]} == {"order"}
    stated = [
        each
        for each in night_client.get(f"/customers/{customer_id}/explain").json()["fields"]
        if each["origin"] == "stated"
    ]
    assert {(each["value"], each["file"], each["run_id"]) for each in stated} == {(None, None, None)}


@pytest.mark.parametrize("path", ["timeline", "history", "explain"])
@pytest.mark.parametrize("key", ["nobody", "%00", "%FF", "x" * 5000])
def test_nobody_has_no_profile(night_client: httpx.Client, path: str, key: str) -> None:
    assert night_client.get(f"/customers/{key}/{path}").status_code == 404
