"""Bring a Metabase to what the description says, again and again, and leave alone what people have made.

What is ours: cards, by their `entity_id`; collection and dashboard, by a marker at the end of their description; the
connection, by its name and its user; filters, by their id; tabs, by their title. Everything else is somebody's.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dashboards.connection import BiConnection
from dashboards.description import BiDashboard
from dashboards.metabase.client import VERSION, Json, Metabase, MetabaseError
from dashboards.metabase.content import card_body, dashcard, entity_id, parameters

COLLECTION = "Customer 360"
CONNECTION = "Customer 360 (read only)"
MARKER = "[c360: kept by `c360 metabase provision`]"

_KEPT = (
    "id", "size_x", "size_y", "row", "col", "card_id", "action_id", "dashboard_tab_id", "parameter_mappings",
    "visualization_settings", "inline_parameters",
)  # fmt: skip
"""What PUT takes of a dashcard, of all that GET answers."""


@dataclass(frozen=True)
class Provisioned:
    """Where the dashboard is. `public_url`: for who has the link; None where none was asked for."""

    dashboard_url: str
    public_url: str | None
    cards_created: int
    cards_updated: int


def provision(
    metabase: Metabase,
    dashboard: BiDashboard,
    connection: BiConnection,
    *,
    explain_url: str | None,
    public_link: bool,
    progress: Callable[[str], None],
) -> Provisioned:
    """Create or update everything as the signed-in administrator, then run every card once.

    Raises MetabaseError: a request was refused, or a card's query fails.
    """
    if (release := metabase.release()) != VERSION:
        progress(f"this Metabase is {release or 'of an unknown release'}; what is sent to it is written for {VERSION}")
    progress(f"the connection, as {connection.user}")
    database_id = _database(metabase, connection)
    collection_id = _collection(metabase, dashboard)
    cards: dict[str, int] = {}
    created = 0
    for card in dashboard.cards():
        body = card_body(card, database_id, collection_id)
        if (existing := metabase.find(f"card/{entity_id(card)}")) is None:
            cards[card.name] = metabase.post("card", body | {"entity_id": entity_id(card)})["id"]
            created += 1
        else:
            cards[card.name] = existing["id"]
            metabase.put(f"card/{existing['id']}", body | {"archived": False})
    progress(f"{len(cards)} cards")
    dashboard_id = _dashboard(metabase, dashboard, collection_id)
    _arrange(metabase, dashboard, dashboard_id, cards, explain_url)
    progress("the dashboard")
    for name, card_id in cards.items():
        answer = metabase.post(f"card/{card_id}/query")
        if answer["status"] != "completed":
            raise MetabaseError(f"the query of the card {name} fails in Metabase: {answer.get('error')}", card=name)
    progress("every card's query runs")
    refresh = f"#refresh={dashboard.refresh_seconds}"
    public_url = None
    if public_link:
        metabase.put("setting/enable-public-sharing", {"value": True})
        link = metabase.post(f"dashboard/{dashboard_id}/public_link")
        public_url = f"{metabase.url}/public/dashboard/{link['uuid']}{refresh}"
    return Provisioned(f"{metabase.url}/dashboard/{dashboard_id}{refresh}", public_url, created, len(cards) - created)


def _details(connection: BiConnection) -> Json:
    """As Metabase's PostgreSQL driver takes it; only the schemas of figures and views are looked at."""
    return {
        "host": connection.host,
        "port": connection.port,
        "dbname": connection.name,
        "user": connection.user,
        "password": connection.password,
        "ssl": connection.tls,
        "tunnel-enabled": False,
        "schema-filters-type": "inclusion",
        "schema-filters-patterns": "business_vault,masked",
    }


def _database(metabase: Metabase, connection: BiConnection) -> int:
    details = _details(connection)
    for each in metabase.get("database")["data"]:
        if each["name"] == CONNECTION and each["details"].get("user") == connection.user:
            metabase.put(f"database/{each['id']}", {"details": details})
            return int(each["id"])
    body = {"name": CONNECTION, "engine": "postgres", "details": details}
    return int(metabase.post("database", body)["id"])


def _collection(metabase: Metabase, dashboard: BiDashboard) -> int:
    for each in metabase.get("collection"):
        if (each.get("description") or "").endswith(MARKER) and not each.get("archived"):
            return int(each["id"])
    body = {"name": COLLECTION, "description": f"{dashboard.description} {MARKER}"}
    return int(metabase.post("collection", body)["id"])


def _dashboard(metabase: Metabase, dashboard: BiDashboard, collection_id: int) -> int:
    body = {
        "name": dashboard.title,
        "description": f"{dashboard.description} {MARKER}",
        "collection_id": collection_id,
    }
    for each in metabase.get(f"collection/{collection_id}/items", models="dashboard")["data"]:
        if (each.get("description") or "").endswith(MARKER):
            metabase.put(f"dashboard/{each['id']}", body)
            return int(each["id"])
    return int(metabase.post("dashboard", body)["id"])


def _arrange(
    metabase: Metabase, dashboard: BiDashboard, dashboard_id: int, cards: dict[str, int], explain_url: str | None
) -> None:
    """Tabs, cards, filters: ours as declared, people's as they are; negative ids are new to Metabase."""
    found = metabase.get(f"dashboard/{dashboard_id}")
    our_cards, our_filters = set(cards.values()), parameters(dashboard, cards)
    tab_ids = {tab["name"]: tab["id"] for tab in found["tabs"]}
    titles = [tab.title for tab in dashboard.tabs]
    for number, title in enumerate(titles, start=1):
        tab_ids.setdefault(title, -number)
    tabs = [{"id": tab_ids[title], "name": title} for title in titles]
    tabs += [{"id": tab["id"], "name": tab["name"]} for tab in found["tabs"] if tab["name"] not in titles]

    placed = {each["card_id"]: each["id"] for each in found["dashcards"] if each["card_id"] in our_cards}
    dashcards = [_kept(each) for each in found["dashcards"] if each["id"] not in placed.values()]
    for each in dashcards:
        # what was put there before there were tabs
        each["dashboard_tab_id"] = each.get("dashboard_tab_id") or tabs[0]["id"]
    new_id = 0
    for tab in dashboard.tabs:
        for card in tab.cards:
            new_id -= 1
            card_id = cards[card.name]
            ids = {"id": placed.get(card_id, new_id), "dashboard_tab_id": tab_ids[tab.title]}
            dashcards.append(dashcard(card, card_id, explain_url) | ids)

    ids_of_ours = {each["id"] for each in our_filters}
    others = [each for each in found["parameters"] if each["id"] not in ids_of_ours]
    metabase.put(
        f"dashboard/{dashboard_id}",
        {"parameters": our_filters + others, "tabs": tabs, "dashcards": dashcards, "width": "full"},
    )


def _kept(found: Json) -> Json:
    """Somebody's card on our dashboard, as PUT takes it."""
    kept = {key: found[key] for key in _KEPT if key in found}
    return kept | {"series": [{"id": each["id"]} for each in found.get("series") or []]}
