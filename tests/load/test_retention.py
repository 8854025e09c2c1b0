"""What retention no longer keeps goes each night, store by store and class by class, and the night says so."""

import psycopg
import pytest
from psycopg.types.json import Jsonb

from functions.load.retention import enforce_retention
from functions.model.reading import load_model, parse_model
from tests.support.edited_model import edited, wrong_with
from tests.support.night import Night

HEADER = "customer_id,first_name,city,loyalty\n"


@pytest.fixture
def filled(night: Night) -> Night:
    """Each store holds something of a person."""
    night.drop("customers/dt=2024-01-01/a.csv", HEADER + ",Ann,Rome,gold\nC2,Bea,Oslo,none\nC3,Cat\n")
    night.run("run-1")
    with psycopg.connect(night.admin_url) as connection:
        connection.execute(
            "insert into metadata.dead_letter (topic, kafka_partition, kafka_offset, raw, raw_sha256, reasons)"
            " values ('t', 0, 0, 'Ann', 'x', '{bad}')"
        )
        connection.execute(
            "insert into raw_vault.link_customer_event (link_hash_key, customer_hash_key, product_hash_key, event_id,"
            " event_type, occurred_at, loaded_at, record_row, session_id, properties)"
            " values ('a', 'b', 'c', 'e', 'click', now(), now(), 0, 's', %s)",
            (Jsonb({"q": "Ann"}),),
        )
    return night


def age(night: Night, days: int) -> None:
    """Let so many days pass."""
    with psycopg.connect(night.admin_url) as connection:
        for table, column in (
            ("metadata.quarantine", "quarantined_at"),
            ("metadata.load_run", "started_at"),
            ("metadata.dead_letter", "received_at"),
            ("raw_vault.link_customer_event", "occurred_at"),
        ):
            connection.execute(f"update {table} set {column} = {column} - make_interval(days => %s)".encode(), (days,))


def removed(night: Night) -> dict[tuple[str, str], int]:
    with night.connect() as connection:
        stores = enforce_retention(connection, "run-1")["stores"]
    return {(each["store"], each["class"]): each["records"] for each in stores}


ALL = {
    ("audit", "other"),
    ("dead_letters", "personal"),
    ("events", "personal"),
    ("events", "other"),
    ("quarantine", "personal"),
    ("quarantine", "other"),
    ("unknown_columns", "personal"),
}


def test_what_is_young_stays(filled: Night) -> None:
    age(filled, 89)
    assert removed(filled) == dict.fromkeys(ALL, 0)


def test_personal_values_go_first_and_the_record_of_what_was_wrong_stays(filled: Night) -> None:
    age(filled, 91)
    assert removed(filled) == {
        ("audit", "other"): 0,
        ("dead_letters", "personal"): 1,
        ("events", "personal"): 1,
        ("events", "other"): 0,  # of the default partition, which is none
        ("quarantine", "personal"): 2,
        ("quarantine", "other"): 0,
        ("unknown_columns", "personal"): 2,
    }
    assert filled.rows(
        "select line_number, jsonb_strip_nulls(raw), raw_text, reasons from metadata.quarantine order by 1"
    ) == [
        (2, {"city": "Rome"}, None, ["customer_id.required"]),
        (4, None, None, ["row.field_count"]),
    ]
    assert filled.rows("select count(*) from metadata.unknown_columns") == [(0,)]
    assert filled.rows("select count(*) from metadata.dead_letter") == [(0,)]
    assert filled.rows("select rows_quarantined from metadata.object_version") == [(2,)]
    assert removed(filled) == dict.fromkeys(ALL, 0), "nothing is removed twice"


def test_in_the_end_the_record_goes_too(filled: Night) -> None:
    age(filled, 401)
    assert removed(filled)["quarantine", "other"] == 2
    assert filled.rows("select count(*) from metadata.quarantine") == [(0,)]


def test_the_declared_days_decide(filled: Night) -> None:
    with psycopg.connect(filled.admin_url) as connection:
        connection.execute("update metadata.retention set days = 7 where (store, class) = ('events', 'personal')")
    age(filled, 8)
    assert removed(filled) == dict.fromkeys(ALL, 0) | {("events", "personal"): 1}
    assert filled.rows("select session_id, properties, event_type from raw_vault.link_customer_event") == [
        (None, None, "click")
    ]
    with psycopg.connect(filled.admin_url) as connection:
        connection.execute("update metadata.retention set days = 90 where (store, class) = ('events', 'personal')")


def test_a_store_in_use_waits_for_the_next_night_and_says_so(filled: Night) -> None:
    age(filled, 91)
    with psycopg.connect(filled.admin_url) as other:
        other.execute("select from metadata.dead_letter for update")
        assert removed(filled)["dead_letters", "personal"] is None
    in_use = filled.rows("select count(*) from metadata.retention_result where records is null")
    assert in_use == [(1,)]


def test_the_model_refuses_what_cannot_be_kept() -> None:
    assert [field for field, _ in wrong_with(edited("retention.events.other", 13))] == ["retention.events.other"]
    assert [field for field, _ in wrong_with(edited("retention.quarantine.personal", 500))] == ["retention.quarantine"]
    assert [field for field, _ in wrong_with(edited("retention.logs.personal", 31))] == ["retention.logs.personal"]
    assert parse_model(edited("retention", {})).retention == load_model().retention
