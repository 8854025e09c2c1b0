"""Links that share a view: what they show, what they do not, and when they end."""

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import psycopg
import pytest

from functions.api.app import create_app
from tests.support import tokens
from tests.support.served_api import PASSWORD, add, as_role, change, served, settings_for

VIEW = {"page": "overview", "filters": {"since": "2026-01-01", "state": ["Berlin", ""]}, "chart": "donut"}
LOCKED = "since=2026-01-01&state=Berlin&state="


def _share(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/shares", json={"view": VIEW} | fields)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    created: dict[str, Any] = answer.json()
    return created


def _through(client: httpx.Client, token: str, path: str, method: str = "GET") -> httpx.Response:
    return client.request(method, path, headers={"X-Share-Token": token})


def test_a_link_shows_its_view_and_is_listed_without_its_token(changing: httpx.Client) -> None:
    created = _share(changing, note="for the board")
    token = created.pop("token")
    assert created.pop("path") == f"dashboard#share={token}"
    assert created["view"] == VIEW
    assert (created["filters_locked"], created["personal"], created["revoked_at"]) == (True, False, None)
    current = _through(changing, token, "/shares/current").json()
    # as Python and as PostgreSQL write the same instant
    assert datetime.fromisoformat(current.pop("expires_at")) == datetime.fromisoformat(created["expires_at"])
    assert current == {name: created[name] for name in ("view", "filters_locked", "personal")}
    answer = changing.get("/shares")
    assert answer.json()["items"] == [created]
    assert token not in answer.text


def test_a_link_shows_figures_and_nothing_else(changing: httpx.Client) -> None:
    token = _share(changing)["token"]
    for path in (
        "/metrics",
        "/metrics/revenue-by-day",
        "/metrics/overview/explain?column=revenue&",
        "/metrics/rfm/csv",
    ):
        assert _through(changing, token, f"{path}{'' if path.endswith('&') else '?'}{LOCKED}").status_code == 200, path
    for path in ("/metrics/catalogue", "/events/recent", "/events/summary"):
        assert _through(changing, token, path).status_code == 200, path
    for path in ("/customers", "/customers/C0001", "/orders", "/search?q=C0001", "/runs", "/shares", "/metricsx"):
        assert _through(changing, token, path).status_code == 403, path
    assert _through(changing, token, "/shares", "POST").status_code == 403
    assert _through(changing, token, "/metrics", "POST").status_code == 403


@pytest.mark.parametrize(
    "query", ["", "since=2026-01-01", f"{LOCKED}&status=Pending", LOCKED.replace("Berlin", "Bonn")]
)
def test_locked_filters_stay_as_they_were_shared(changing: httpx.Client, query: str) -> None:
    locked, free = (_share(changing, filters_locked=each)["token"] for each in (True, False))
    for path in ("/metrics", "/metrics/overview", "/metrics/overview/csv", "/metrics/overview/explain"):
        asked = f"{path}?{query}{'&column=revenue' if path.endswith('explain') else ''}"
        refused = _through(changing, locked, asked)
        assert refused.status_code == 403, asked
        assert "locked" in refused.json()["detail"]
        assert _through(changing, free, asked).status_code == 200, asked


def test_a_bar_of_a_locked_view_is_explained(changing: httpx.Client) -> None:
    token = _share(changing)["token"]
    bar = "/metrics/revenue-by-state/explain?column=revenue&country=DE&state=&since=2026-01-01"
    assert _through(changing, token, bar).status_code == 200
    assert _through(changing, token, bar.replace("2026-01-01", "2026-01-02")).status_code == 403


def test_a_link_that_was_revoked_opens_nothing(changing: httpx.Client) -> None:
    created, other = _share(changing), _share(changing)
    for _ in range(2):
        assert changing.delete(f"/shares/{created['share_id']}").status_code == 204
    answer = _through(changing, created["token"], "/metrics")
    assert (answer.status_code, answer.json()["detail"]) == (401, "This link was revoked.")
    assert _through(changing, other["token"], "/shares/current").status_code == 200
    assert changing.delete("/shares/00000000-0000-0000-0000-000000000000").status_code == 404


def test_a_link_expires(changing: httpx.Client, changing_url: str) -> None:
    token = _share(changing, expires_in_days=1)["token"]
    with psycopg.connect(changing_url) as connection:
        connection.execute("update metadata.share_link set expires_at = expires_at - interval '1 day'")
    answer = _through(changing, token, "/metrics")
    assert (answer.status_code, answer.json()["detail"]) == (401, "This link has expired.")


def test_a_token_that_was_not_signed_here_opens_nothing(changing: httpx.Client, changing_url: str) -> None:
    token, other = _share(changing)["token"], _share(changing)["token"]
    content = base64.urlsafe_b64decode(token + "==")
    spliced = base64.urlsafe_b64encode(base64.urlsafe_b64decode(other + "==")[:16] + content[16:]).decode().rstrip("=")
    tampered = [
        base64.urlsafe_b64encode(content[:n] + bytes([content[n] ^ 1]) + content[n + 1 :]).decode().rstrip("=")
        for n in range(len(content))
    ]
    for each in (spliced, token[:-1], token + "A", token + "AAAA", "", "x", "%00", *tampered):
        answer = _through(changing, each, "/metrics")
        assert (answer.status_code, answer.json()["detail"]) == (401, "This link is not valid."), each
    with psycopg.connect(changing_url) as connection:
        connection.execute("update metadata.share_key set key = sha256('another')")
    assert _through(changing, token, "/metrics").status_code == 401


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "view"),
        ({"view": {}}, "view.page"),
        ({"view": VIEW, "expires_in_days": 0}, "expires_in_days"),
        ({"view": VIEW, "expires_in_days": 91}, "expires_in_days"),
        ({"view": VIEW, "forever": True}, "forever"),
        ({"view": {"page": "x", "filters": {"since": "then"}}}, "view.filters.since"),
        ({"view": {"page": "x", "filters": {"customer": "C1"}}}, "view.filters.customer"),
        ({"view": {"page": "x", "more": "x" * 4097}}, "view"),
        ({"view": {"page": "x", "more": "\x00"}}, "view"),
    ],
)
def test_what_cannot_be_shared_is_named(changing: httpx.Client, body: dict[str, Any], parameter: str) -> None:
    answer = changing.post("/shares", json=body)
    assert answer.status_code == 422, answer.text
    assert [each["parameter"] for each in answer.json()["errors"]] == [parameter]


@pytest.fixture
def masking(changing_url: str) -> Iterator[httpx.Client]:
    """The API for callers who may not see persons."""
    url = as_role(changing_url, "c360_api", PASSWORD)
    with served(create_app(settings_for(url, api_open_scopes="profile:read"))) as client:
        yield client


def test_persons_show_through_a_link_only_if_sharer_and_viewer_may_see_them(
    changing: httpx.Client, masking: httpx.Client, changing_url: str
) -> None:
    assert masking.post("/shares", json={"view": VIEW, "personal": True}).status_code == 403
    # of one's own access a link takes away and never adds
    hidden, shown = (_share(changing, personal=each)["token"] for each in (False, True))
    with psycopg.connect(changing_url) as connection:
        connection.execute(
            "insert into raw_vault.link_customer_event (link_hash_key, customer_hash_key, product_hash_key, event_id,"
            " event_type, occurred_at, loaded_at, record_row, properties)"
            " select 'a', c.customer_hash_key, p.product_hash_key, 'e', 'click', now(), now(), 0, '{\"name\": \"Ann\"}'"
            " from raw_vault.hub_customer as c, raw_vault.hub_product as p"
        )
    for client, token, sees in ((changing, shown, True), (changing, hidden, False), (masking, shown, False)):
        assert ("Ann" in _through(client, token, "/events/recent").text) is sees


def test_only_the_columns_that_a_link_is_made_of_can_be_written(changing_url: str) -> None:
    writing = "-c default_transaction_read_only=off"
    with psycopg.connect(as_role(changing_url, "c360_api", PASSWORD), autocommit=True, options=writing) as connection:
        for statement in (
            "update metadata.share_link set expires_at = 'infinity'",
            "delete from metadata.share_link",
            "update metadata.share_key set key = ''",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_all_panels_are_not_sent_again_while_nothing_has_changed(changing: httpx.Client, changing_url: str) -> None:
    path = "/metrics?state="
    first = changing.get(path)
    tag = {"If-None-Match": first.headers["etag"]}
    again = changing.get(path, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert changing.get("/metrics?state=Berlin", headers=tag).status_code == 200
    change(changing_url, add("C-new"))
    published = changing.get(path, headers=tag)
    assert published.json()["panels"]["overview"]["customers"] == first.json()["panels"]["overview"]["customers"] + 1


def test_a_live_panel_changes_the_tag_between_publications(changing: httpx.Client, changing_url: str) -> None:
    both, still = ("/metrics?panels=overview,live-totals", "/metrics?panels=overview")
    tags = {path: {"If-None-Match": changing.get(path).headers["etag"]} for path in (both, still)}
    with psycopg.connect(changing_url) as connection:
        connection.execute("insert into business_vault.event_total values ('click', 0, 7, now(), 0)")
    assert changing.get(still, headers=tags[still]).status_code == 304
    answer = changing.get(both, headers=tags[both])
    assert answer.json()["panels"]["live-totals"] == {"events": 7, "active_customers": 0}
    assert list(answer.json()["panels"]) == ["overview", "live-totals"]
    assert changing.get("/metrics?panels=overview,nothing").json()["errors"][0]["parameter"] == "panels"


def test_an_unchanged_refresh_of_all_panels_is_one_statement(
    changing_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(settings_for(as_role(changing_url, "c360_api", PASSWORD)))
    asked: list[bytes] = []
    read_rows = app.state.database.read_rows

    async def counted(query: bytes, *arguments: Any, **named: Any) -> Any:
        asked.append(query)
        return await read_rows(query, *arguments, **named)

    monkeypatch.setattr(app.state.database, "read_rows", counted)
    with served(app) as client:
        tag = client.get("/metrics").headers["etag"]
        asked.clear()
        assert client.get("/metrics", headers={"If-None-Match": tag}).status_code == 304
    assert len(asked) == 1, asked


def test_links_of_others_are_neither_listed_nor_revoked_without_the_scope_for_it(changing_url: str) -> None:
    def as_caller(subject: str, *scopes: str) -> dict[str, str]:
        return tokens.bearer(tokens.token(sub=subject, scope=" ".join(("profile:read", *scopes))))

    def listed(headers: dict[str, str]) -> list[str]:
        return [item["share_id"] for item in client.get("/shares", headers=headers).raise_for_status().json()["items"]]

    ann, ben, operator = as_caller("ann"), as_caller("ben", "pii:read"), as_caller("olga", "shares:manage")
    with served(create_app(tokens.jwt_settings(as_role(changing_url, "c360_api", PASSWORD)))) as client:
        made = client.post("/shares", json={"view": VIEW}, headers=ann).raise_for_status().json()
        share_id, through = made["share_id"], ben | {"X-Share-Token": made["token"]}
        assert listed(ann) == listed(operator) == [share_id]
        assert listed(ben) == []
        assert client.delete(f"/shares/{share_id}", headers=ben).status_code == 404
        assert client.get("/shares/current", headers=through).status_code == 200
        assert client.delete(f"/shares/{share_id}", headers=operator).status_code == 204
        assert client.get("/shares/current", headers=through).status_code == 401
        second = client.post("/shares", json={"view": VIEW}, headers=ann).raise_for_status().json()
        assert client.delete(f"/shares/{second['share_id']}", headers=ann).status_code == 204
