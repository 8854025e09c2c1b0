"""Who may not see persons sees the views of the same names without them, and no way to the others."""

import psycopg
import pytest
from psycopg import errors as pg

from functions.load.schema.migrate import migrate
from functions.model.classification import MASK, Classification
from functions.model.reading import load_model, parse_model
from functions.model.render.masked_views import TEXT_TYPES
from tests.support.csv_files import customers, transactions
from tests.support.edited_model import edited
from tests.support.night import Night, prepare, role_url

CANARY = {
    "first_name": "Zanna-Canary",
    "last_name": "Zondervan-Canary",
    "email": "zanna@canary.example",
    "phone": "+1-canary-555",
}


@pytest.fixture
def own_night(night: Night, database_url: str) -> Night:
    prepare(database_url)
    own = Night(database_url, night.s3)
    own.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1", "city": "Oslo", **CANARY}))
    own.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    own.run()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into raw_vault.link_customer_event (link_hash_key, customer_hash_key, product_hash_key, event_id,"
            " event_type, occurred_at, loaded_at, record_row, session_id, properties)"
            " select 'a', customer_hash_key, product_hash_key, 'e', 'click', now(), now(), 0, 'session-canary',"
            ' \'{"q": "canary"}\' from raw_vault.hub_customer, raw_vault.hub_product'
            " where customer_id = 'C1' and product_id is not null"
        )
        connection.execute(
            "insert into business_vault.live_activity (customer_id, customer_hash_key, last_seen_at, last_event_type,"
            " last_session_id) select customer_id, customer_hash_key, now(), 'click', 'session-canary'"
            " from raw_vault.hub_customer where customer_id = 'C1'"
        )
    return own


def test_no_view_of_the_bi_role_shows_a_person(own_night: Night) -> None:
    views = own_night.rows("select viewname from pg_views where schemaname = 'masked' order by 1")
    there = own_night.rows("select viewname from pg_views where schemaname = 'business_vault' and viewname like 'vw%'")
    assert sorted(views) == sorted(there)
    with psycopg.connect(role_url(own_night.admin_url, "c360_bi")) as connection:
        for (view,) in views:
            rows = connection.execute(f"select row_to_json(v)::text from {view} as v".encode()).fetchall()
            assert rows, view
            assert "canary" not in str(rows).lower(), view
        shown = connection.execute("select customer_id, first_name, phone, city, total_orders from vw_customer_360")
        assert shown.fetchall() == [("C1", MASK, MASK, "Oslo", 1)]
        for table in ("business_vault.mart_customer_360", "raw_vault.sat_customer_details", "metadata.quarantine"):
            with pytest.raises(pg.InsufficientPrivilege), connection.transaction():
                connection.execute(f"select * from {table}".encode())


def test_who_may_see_persons_does(own_night: Night) -> None:
    with psycopg.connect(role_url(own_night.admin_url, "c360_bi_persons")) as connection:
        shown = connection.execute("select first_name, last_name, email, phone from vw_customer_360").fetchall()
        assert shown == [tuple(CANARY.values())]
        assert connection.execute("select session_id, properties from vw_event").fetchall() == [
            ("session-canary", {"q": "canary"})
        ]


def test_a_changed_declaration_changes_the_views_without_a_migration(own_night: Night) -> None:
    model = parse_model(edited("sources.customers.columns.city", {"type": "text", "pii": "address"}))
    with psycopg.connect(own_night.admin_url) as connection:
        assert migrate(connection, {}, model=model) == []
    with psycopg.connect(role_url(own_night.admin_url, "c360_bi")) as connection:
        assert connection.execute("select city from vw_customer_360").fetchall() == [(MASK,)]


def test_every_text_that_a_view_shows_is_classified(own_night: Night) -> None:
    """Else it is hidden from the bi role: declare it in the model, in a source or under `views`."""
    found = own_night.rows(
        "select distinct a.attname, format_type(a.atttypid, null) from pg_class as c"
        " join pg_attribute as a on a.attrelid = c.oid"
        " where c.relkind = 'v' and c.relnamespace = 'business_vault'::regnamespace and c.relname like 'vw%'"
    )
    classification = Classification(load_model())
    known = {name for _, name, _ in classification.columns()} | load_model().views.keys()
    assert {name for name, kind in found if kind in TEXT_TYPES} <= known
