"""A Metabase of the tests' own: the API's strictness and memory, and real queries on the database it is given."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from pydantic import ValidationError

from tests.support import metabase_schemas as schemas

type Json = dict[str, Any]


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


def substituted(query: str, values: Mapping[Any, Any]) -> tuple[str, dict[str, Any]]:
    """A native query as Metabase sends it: optional clauses without their values left out, values as parameters."""

    def optional(clause: re.Match[str]) -> str:
        names = re.findall(r"\{\{(\w+)\}\}", clause[1])
        assert names, f"an optional clause needs a variable: {clause[0]}"
        return clause[1] if all(name in values for name in names) else ""

    query = re.sub(r"\[\[(.*?)\]\]", optional, query.replace("%", "%%"))
    given: dict[str, Any] = {}

    def variable(tag: re.Match[str]) -> str:
        value = values[tag[1]]
        several = value if isinstance(value, list) else [value]
        given.update({f"{tag[1]}_{number}": each for number, each in enumerate(several)})
        return ", ".join(f"%({tag[1]}_{number})s" for number in range(len(several)))

    return re.sub(r"\{\{(\w+)\}\}", variable, query), given


class FakeMetabase:
    """What the server knows. `requests`: method and path of each that changed something."""

    def __init__(self) -> None:
        self.url = ""
        self.release = schemas.VERSION
        self.setup_token: str | None = str(uuid.uuid4())
        self.users: dict[str, str] = {}
        self.sessions: set[str] = set()
        self.settings: Json = {"enable-public-sharing": False}
        self.databases: dict[int, Json] = {}
        self.collections: dict[int, Json] = {}
        self.cards: dict[int, Json] = {}
        self.dashboards: dict[int, Json] = {}
        self.requests: list[str] = []
        self.unhealthy_answers = 0
        self._next_id = 0

    def new_id(self) -> int:
        """One that nothing has."""
        self._next_id += 1
        return self._next_id

    def answer(self, method: str, path: str, query: str, body: Json, session: str | None) -> tuple[int, Any]:
        """Status and body. Raises RefusedError and ValidationError."""
        if path == "health":
            self.unhealthy_answers -= 1
            return (503, {"status": "initializing"}) if self.unhealthy_answers >= 0 else (200, {"status": "ok"})
        if path not in ("session/properties", "setup", "session") and session not in self.sessions:
            raise RefusedError(401, "Unauthenticated")
        if method != "GET":
            self.requests.append(f"{method} {path}")
        for route, handle in _ROUTES.items():
            if found := re.fullmatch(route, f"{method} {path}"):
                return 200, handle(self, found, body, query)
        raise RefusedError(404, "API endpoint does not exist.")

    def items(self, method: str) -> list[str]:
        """Requests of one method, after a run."""
        return [each for each in self.requests if each.startswith(method)]


def _taken[Body: schemas.Body](schema: type[Body], body: Json) -> Body:
    return schema.model_validate_json(json.dumps(body))


def _thing(things: dict[int, Json], key: str) -> Json:
    if key.isdigit() and int(key) in things:
        return things[int(key)]
    for each in things.values():
        if each.get("entity_id") == key:
            return each
    raise RefusedError(404, "Not found.")


def _properties(server: FakeMetabase, *_: Any) -> Json:
    return {
        "has-user-setup": bool(server.users),
        "setup-token": server.setup_token,
        "version": {"tag": server.release},
    }


def _session(server: FakeMetabase) -> Json:
    key = str(uuid.uuid4())
    server.sessions.add(key)
    return {"id": key}


def _setup(server: FakeMetabase, _: Any, body: Json, __: str) -> Json:
    asked = _taken(schemas.Setup, body)
    if asked.token != server.setup_token:
        raise RefusedError(400, "Token does not match the setup token.")
    server.users[asked.user.email] = asked.user.password
    server.setup_token = None
    return _session(server)


def _login(server: FakeMetabase, _: Any, body: Json, __: str) -> Json:
    asked = _taken(schemas.Session, body)
    if server.users.get(asked.username) != asked.password:
        raise RefusedError(401, "did not match stored password")
    return _session(server)


def _connect(details: Json) -> "psycopg.Connection[tuple[Any, ...]]":
    try:
        return psycopg.connect(
            host=details["host"], port=details["port"], dbname=details["dbname"], user=details["user"],
            password=details["password"], connect_timeout=5,
        )  # fmt: skip
    except psycopg.OperationalError as error:
        raise RefusedError(400, f"Looks like the credentials are incorrect: {error}") from error


def _add_database(server: FakeMetabase, _: Any, body: Json, __: str) -> Json:
    asked = _taken(schemas.Database, body)
    details = asked.details.model_dump(by_alias=True)
    _connect(details).close()
    key = server.new_id()
    server.databases[key] = {"id": key, "name": asked.name, "engine": asked.engine, "details": details}
    return _without_password(server.databases[key])


def _without_password(database: Json) -> Json:
    return database | {"details": database["details"] | {"password": "**MetabasePass**"}}


def _change_database(server: FakeMetabase, found: re.Match[str], body: Json, _: str) -> Json:
    asked = _taken(schemas.DatabaseUpdate, body).model_dump(by_alias=True, exclude_unset=True)
    if "details" in asked:
        _connect(asked["details"]).close()
    _thing(server.databases, found[1]).update(asked)
    return _without_password(_thing(server.databases, found[1]))


def _add_collection(server: FakeMetabase, _: Any, body: Json, __: str) -> Json:
    key = server.new_id()
    server.collections[key] = _taken(schemas.Collection, body).model_dump() | {"id": key, "archived": False}
    return server.collections[key]


def _collections(server: FakeMetabase, *_: Any) -> list[Json]:
    return [{"id": "root", "name": "Our analytics"}, *server.collections.values()]


def _items(server: FakeMetabase, found: re.Match[str], _: Any, query: str) -> Json:
    assert query == "models=dashboard"
    inside = [each for each in server.dashboards.values() if each["collection_id"] == int(found[1])]
    shown = [{key: each[key] for key in ("id", "name", "description", "entity_id")} for each in inside]
    return {"total": len(shown), "data": [each | {"model": "dashboard"} for each in shown]}


def _check_places(server: FakeMetabase, body: Json) -> None:
    if "collection_id" in body and body["collection_id"] is not None:
        _thing(server.collections, str(body["collection_id"]))
    if query := body.get("dataset_query"):
        _thing(server.databases, str(query["database"]))


def _add_card(server: FakeMetabase, _: Any, body: Json, __: str) -> Json:
    _taken(schemas.Card, body)
    _check_places(server, body)
    if any(each["entity_id"] == body.get("entity_id") for each in server.cards.values()):
        raise RefusedError(500, "duplicate key value violates unique constraint on entity_id")
    key = server.new_id()
    server.cards[key] = {"entity_id": uuid.uuid4().hex[:21], "archived": False} | body | {"id": key}
    return server.cards[key]


def _card(server: FakeMetabase, found: re.Match[str], *_: Any) -> Json:
    return _thing(server.cards, found[1])


def _change_card(server: FakeMetabase, found: re.Match[str], body: Json, _: str) -> Json:
    _taken(schemas.CardUpdate, body)
    _check_places(server, body)
    _thing(server.cards, found[1]).update(body)
    return _thing(server.cards, found[1])


def run_card(server: FakeMetabase, card: Json, values: dict[str, Any]) -> Json:
    """The card's query on its database, as Metabase's connection reads it."""
    query = card["dataset_query"]
    assert set(values) <= set(query["native"]["template-tags"])
    text, given = substituted(query["native"]["query"], values)
    with _connect(server.databases[query["database"]]["details"]) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(text.encode(), given)
        except psycopg.Error as error:
            return {"status": "failed", "error": str(error)}
        columns = [{"name": each.name} for each in cursor.description or ()]
        rows = [list(row) for row in cursor.fetchall()]
    return {"status": "completed", "row_count": len(rows), "data": {"cols": columns, "rows": rows}}


def _query_card(server: FakeMetabase, found: re.Match[str], body: Json, _: str) -> Json:
    _taken(schemas.CardQuery, body)
    return run_card(server, _thing(server.cards, found[1]), {})


def _add_dashboard(server: FakeMetabase, _: Any, body: Json, __: str) -> Json:
    _taken(schemas.Dashboard, body)
    _check_places(server, body)
    key = server.new_id()
    fresh: Json = {"entity_id": uuid.uuid4().hex[:21], "parameters": [], "dashcards": [], "tabs": []}
    fresh |= {"description": None, "public_uuid": None}
    server.dashboards[key] = fresh | body | {"id": key}
    return server.dashboards[key]


def _dashboard(server: FakeMetabase, found: re.Match[str], *_: Any) -> Json:
    return _thing(server.dashboards, found[1])


def _change_dashboard(server: FakeMetabase, found: re.Match[str], body: Json, _: str) -> Json:
    _taken(schemas.DashboardUpdate, body)
    _check_places(server, body)
    dashboard = _thing(server.dashboards, found[1])
    if "dashcards" in body:
        body = body | _arranged(server, dashboard, body["dashcards"], body.get("tabs") or [])
    dashboard.update(body)
    return dashboard


def _arranged(server: FakeMetabase, dashboard: Json, dashcards: list[Json], tabs: list[Json]) -> Json:
    """Negative ids are new, positive ones must be there, what is not sent is deleted."""
    if tabs and any(each.get("dashboard_tab_id") is None for each in dashcards):
        raise RefusedError(400, "This dashboard has tab, makes sure every card has a tab")
    known_tabs = {each["id"] for each in dashboard["tabs"]}
    known_cards = {each["id"] for each in dashboard["dashcards"]}
    assert all(each["id"] in known_tabs for each in tabs if each["id"] > 0)
    tab_ids = {each["id"]: each["id"] if each["id"] > 0 else server.new_id() for each in tabs}
    placed: list[Json] = []
    for each in dashcards:
        assert each["id"] < 0 or each["id"] in known_cards
        if each.get("card_id"):
            _thing(server.cards, str(each["card_id"]))
        tab_id = tab_ids[each["dashboard_tab_id"]] if tabs else None
        new = {"id": each["id"] if each["id"] > 0 else server.new_id(), "dashboard_tab_id": tab_id}
        hydrated = {"created_at": "2026-01-01T00:00:00Z", "card": None, "entity_id": uuid.uuid4().hex[:21]}
        placed.append({"card_id": None, "series": []} | each | new | hydrated)
    return {
        "dashcards": placed,
        "tabs": [each | {"id": tab_ids[each["id"]], "position": at} for at, each in enumerate(tabs)],
    }


def _share(server: FakeMetabase, found: re.Match[str], body: Json, _: str) -> Json:
    _taken(schemas.Empty, body)
    if not server.settings["enable-public-sharing"]:
        raise RefusedError(400, "Public sharing is not enabled.")
    dashboard = _thing(server.dashboards, found[1])
    dashboard["public_uuid"] = dashboard["public_uuid"] or str(uuid.uuid4())
    return {"uuid": dashboard["public_uuid"]}


def _set(server: FakeMetabase, found: re.Match[str], body: Json, _: str) -> None:
    server.settings[found[1]] = _taken(schemas.Setting, body).value


_ROUTES: dict[str, Callable[[FakeMetabase, re.Match[str], Json, str], Any]] = {
    r"GET session/properties": _properties,
    r"POST setup": _setup,
    r"POST session": _login,
    r"PUT setting/([a-z-]+)": _set,
    r"GET database": lambda server, *_: {"data": [_without_password(each) for each in server.databases.values()]},
    r"POST database": _add_database,
    r"PUT database/(\d+)": _change_database,
    r"GET collection": _collections,
    r"POST collection": _add_collection,
    r"GET collection/(\d+)/items": _items,
    r"POST card": _add_card,
    r"GET card/([\w-]+)": _card,
    r"PUT card/(\d+)": _change_card,
    r"POST card/(\d+)/query": _query_card,
    r"POST dashboard": _add_dashboard,
    r"GET dashboard/(\d+)": _dashboard,
    r"PUT dashboard/(\d+)": _change_dashboard,
    r"POST dashboard/(\d+)/public_link": _share,
}


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        path, _, query = self.path.removeprefix("/api/").partition("?")
        try:
            status, said = self.server.metabase.answer(
                self.command, path, query, body, self.headers.get("X-Metabase-Session")
            )
        except RefusedError as refused:
            status, said = refused.status, str(refused)
        except ValidationError as error:
            status, said = 400, {"errors": json.loads(error.json(include_url=False, include_context=False))}
        content = b"" if said is None else json.dumps(said, default=str).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 (the server's names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    metabase: FakeMetabase


@contextmanager
def metabase_server() -> Iterator[FakeMetabase]:
    """A fresh Metabase on a free port of this machine."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.metabase = FakeMetabase()
        server.metabase.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.metabase
        finally:
            server.shutdown()
            thread.join()
