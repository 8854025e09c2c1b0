"""The audit trail is append-only, and a change of it is found."""

import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.types.json import Jsonb

from functions.audit.chain import APPEND, AuditError, append, find, shown, verify
from functions.audit.shipment import PREFIX, ship
from functions.load.retention import enforce_retention
from functions.load.schema.migrate import ROLES
from tests.support.csv_files import customers
from tests.support.night import Night, role_url

BUCKET = "audit-copies"


@pytest.fixture
def trail(night: Night) -> Night:
    """An audit trail of one night and ten reads."""
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("truncate audit.record, audit.shipment")
        connection.execute("update audit.chain_end set record_id = 0, hash = '\\x'")
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1"}))
    night.run("run-1")
    with psycopg.connect(role_url(night.admin_url, "c360_api")) as connection:
        for number in range(10):
            append(connection, "read", customer_id=f"C{number % 2}", subject="me", records=number)
    return night


def test_a_trail_that_nobody_has_changed_holds(trail: Night) -> None:
    with trail.connect() as connection:
        verified = verify(connection)
        assert verified.records == verified.newest_id == 11
        assert verify(connection, verified.newest_hash) == verified
        first, *_ = find(connection, None, 2, 10)
        assert {name: first[name] for name in ("action", "role", "run_id", "files", "records")} == {
            "action": "load", "role": "c360_loader", "run_id": "run-1", "files": 1, "records": 1,
        }  # fmt: skip
        assert [each["record_id"] for each in find(connection, "C1", None, 3)] == [11, 9, 7]


TAMPERED = {
    "content changed": ("update audit.record set content = content || '{\"records\": 99}' where record_id = 5", 5),
    "time changed": ("update audit.record set recorded_at = recorded_at - interval '1 s' where record_id = 5", 5),
    "one removed": ("delete from audit.record where record_id = 5", 6),
    "the first removed": ("delete from audit.record where record_id = 1", 2),
    "the last removed": ("delete from audit.record where record_id = 11", 11),
    "all removed": ("delete from audit.record", 1),
    "one put in": (
        "insert into audit.record select 12, recorded_at, content, hash, hash from audit.record where record_id = 11",
        12,
    ),
    "two exchanged": (
        (
            "with a as (select * from audit.record where record_id in (5, 6)) update audit.record as r"
            " set content = a.content from a where r.record_id in (5, 6) and a.record_id = 11 - r.record_id"
        ),
        5,
    ),
    "rehashed from there on": (
        (
            "update audit.record set content = '{}', hash = audit.hash_of(previous_hash, record_id, recorded_at, '{}')"
            " where record_id = 5"
        ),
        6,
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_whoever_changes_the_trail_is_found_out(trail: Night, how: str) -> None:
    statement, broken_at = TAMPERED[how]
    with psycopg.connect(trail.admin_url) as connection:
        connection.execute(statement.encode())
    with trail.connect() as connection, pytest.raises(AuditError) as raised:
        verify(connection)
    assert raised.value.fields == {"record_id": broken_at}


def test_a_rewritten_trail_does_not_have_a_noted_hash(trail: Night) -> None:
    with trail.connect() as connection:
        noted = verify(connection).newest_hash
    with psycopg.connect(trail.admin_url) as connection:
        connection.execute("delete from audit.record")
        connection.execute("update audit.chain_end set record_id = 0, hash = '\\x'")
        append(connection, "read", subject="nobody")
    with trail.connect() as connection:
        verify(connection)
        with pytest.raises(AuditError, match="rewritten"):
            verify(connection, noted)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_changes_the_trail_or_writes_as_another(trail: Night, role: str) -> None:
    attempts = [
        "update audit.record set content = '{}'",
        "delete from audit.record",
        "truncate audit.record",
        "insert into audit.record values (99, now(), '{}', '', '')",
        "update audit.chain_end set record_id = 0",
        "delete from audit.shipment",
        "select audit.forget(now())",
    ]
    if role != "c360_loader":
        attempts += ["select * from audit.record", "insert into audit.shipment values (1, 1, 'k', '')"]
    with psycopg.connect(role_url(trail.admin_url, role), autocommit=True) as connection:
        for statement in attempts:
            with pytest.raises(pg.InsufficientPrivilege):
                connection.execute(statement.encode())
        claim = {"contents": Jsonb([{"action": "read", "role": "c360_admin"}])}
        if role in ("c360_api", "c360_loader"):
            connection.execute(APPEND, claim)
            for wrong in ("[]", "{}", "null", "[1]", json.dumps([{}] * 1001)):
                with pytest.raises(pg.InvalidParameterValue):
                    connection.execute(APPEND, {"contents": wrong})
            assert trail.rows("select content ->> 'role' from audit.record order by record_id desc limit 1") == [
                (role,)
            ]
        else:
            with pytest.raises(pg.InsufficientPrivilege):
                connection.execute(APPEND, claim)


def test_writers_at_the_same_time_make_one_chain(trail: Night) -> None:
    def write(number: int) -> None:
        with psycopg.connect(role_url(trail.admin_url, "c360_api")) as connection:
            for _ in range(20):
                append(connection, "read", subject=str(number))
                connection.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with trail.connect() as connection:
        assert verify(connection).records == 91


def test_retention_shortens_the_trail_from_its_beginning_and_it_still_holds(trail: Night) -> None:
    with psycopg.connect(trail.admin_url) as connection:
        # as time passes, which the chain would not hold for if one changed it: written so from the beginning
        connection.execute("delete from audit.record")
        connection.execute("update audit.chain_end set record_id = 0, hash = '\\x'")
        connection.execute(
            "with recursive r (id, at, content, before, hash) as (select 1::bigint, now() - interval '1200 days',"
            " '{}'::jsonb, '\\x'::bytea, audit.hash_of('\\x', 1, now() - interval '1200 days', '{}')"
            " union all select id + 1, at + interval '100 days', '{}', hash,"
            " audit.hash_of(hash, id + 1, at + interval '100 days', '{}') from r where id < 12)"
            " , kept as (insert into audit.record select * from r)"
            " update audit.chain_end as e set record_id = r.id, hash = r.hash from r"
            " where r.id = 12 and e.which = 'newest'"
        )
    with trail.connect() as connection:
        assert verify(connection).records == 12
        stores = {each["store"]: each["records"] for each in enforce_retention(connection, "run-1")["stores"]}
        assert stores["audit"] == 2
        assert verify(connection).records == 11  # and that retention has removed them
    with psycopg.connect(trail.admin_url) as connection:
        connection.execute("delete from audit.record where record_id = 3")
    with trail.connect() as connection, pytest.raises(AuditError, match="record_id=4"):
        verify(connection)


def test_copies_hold_every_record_once_and_what_is_not_copied_stays(trail: Night) -> None:
    trail.s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    with trail.connect() as connection:
        assert ship(connection, trail.s3, BUCKET) == 11
    with psycopg.connect(role_url(trail.admin_url, "c360_api")) as connection:
        append(connection, "read", subject="later")
    with trail.connect() as connection:
        assert ship(connection, trail.s3, BUCKET) == 1
        assert ship(connection, trail.s3, BUCKET) == 0
    lines = [
        json.loads(line)
        for item in trail.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/")["Contents"]
        for line in trail.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().splitlines()
    ]
    assert [line["record_id"] for line in lines] == list(range(1, 13))
    assert [line["previous_hash"] for line in lines] == ["", *(line["hash"] for line in lines[:-1])]
    with psycopg.connect(trail.admin_url) as connection:
        connection.execute("delete from audit.shipment where first_id > 1")
        forgotten = connection.execute("select audit.forget(now() + interval '1 day')").fetchone()
        assert forgotten == (11,), "the twelfth is not copied"


def test_values_of_persons_are_kept_as_digests() -> None:
    assert shown("country", "Norway") == "Norway"
    assert shown("customer_id", "C1") == "C1"
    assert shown("limit", "10") == "10"
    for name in ("email", "q", "no_such_parameter"):
        assert shown(name, "ann@example.com") == shown(name, "ann@example.com")
        assert shown(name, "ann@example.com").startswith("sha256:")
        assert shown(name, "ann@example.com") != shown(name, "bea@example.com")
