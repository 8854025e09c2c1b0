"""A vault that is moved between two nights goes on as if it had always been there; or nothing at all is switched."""

import psycopg
import pytest

from functions.common.vault_engine import EngineMismatchError, recorded_engine
from functions.engine import vault_move
from functions.engine.vault_job import LedgerMovedError
from functions.engine.vault_move import VaultDiffersError, VaultInUseError
from tests.support.csv_files import customers, products, transactions
from tests.support.database_state import everything, published
from tests.support.lakehouse import WAREHOUSE, ServedNight, contents_in_postgresql
from tests.support.night import Night
from tests.support.warm_night import WarmNight

pytestmark = pytest.mark.timeout(600)


def drop_night(night: Night, number: int) -> None:
    """The files of a night: lists that lack a key, corrections, an order that is stated again, and a late file."""
    day = f"dt=2026-10-0{2 * number}"
    known = [{"customer_id": f"C{n}", "first_name": f"Äda {n}\t\\{number * (n % 2)}"} for n in range(1, 30)]
    night.drop(f"customers/snapshot/{day}/all.csv", customers(*known[number:]))
    night.drop(f"products/{day}/p.csv", products({"price": f"{number}.{'1' * 17}"}, {"product_id": f"P{number}"}))
    lines = [
        {"transaction_id": f"T{n}", "customer_id": f"C{n + number % 2}", "total_amount": f"{n}.{number}0"}
        for n in range(5)
    ]
    night.drop(f"transactions/{day}/t.csv", transactions(*lines, lines[0] | {"quantity": "-2"}))
    late = transactions({"transaction_id": "T1", "customer_id": f"C{number}", "order_status": f"late {number}"})
    night.drop(f"transactions/dt=2026-09-1{number}/late.csv", late)


def engine(night: Night) -> str | None:
    """The engine that keeps the vault."""
    with night.connect() as connection:
        return recorded_engine(connection)


def postgresql(served_night: ServedNight) -> Night:
    """A night of PostgreSQL in the same database."""
    return Night(served_night.admin_url, served_night.s3)


def test_nights_on_either_side_of_a_move_are_those_of_one_engine(warm: WarmNight, served_night: ServedNight) -> None:
    def both(other: Night, number: int) -> None:
        drop_night(warm, number)
        warm.run(f"night-{number}")
        other.run(f"night-{number}")
        expected = contents_in_postgresql(warm)
        assert contents_in_postgresql(served_night) == expected, f"after night {number}"
        assert published(served_night) == published(warm), f"after night {number}"
        if other is served_night:
            assert served_night.contents() == expected, f"after night {number}"

    both(postgresql(served_night), 1)
    both(postgresql(served_night), 2)
    before = everything(served_night)
    moved = served_night.move("spark", "to-spark")
    assert everything(served_night) == before
    assert engine(served_night) == "spark"
    assert {each["table"]: each["rows"] for each in moved["tables"]} == {
        table: len(rows) for table, rows in contents_in_postgresql(warm).items()
    }
    assert served_night.contents() == served_night.contents_by_another_reader() == contents_in_postgresql(warm)
    both(served_night, 3)
    drop_night(warm, 4)
    with pytest.raises(EngineMismatchError, match="kept by spark"):
        postgresql(served_night).run("refused")
    served_night.fail("refused")

    before = everything(served_night)
    served_night.move("postgresql", "back")
    assert everything(served_night) == before
    assert engine(served_night) == "postgresql"
    warm.run("night-4")
    with pytest.raises(EngineMismatchError, match="kept by postgresql"):
        served_night.run("refused too")
    served_night.fail("refused too")
    postgresql(served_night).run("night-4")
    assert contents_in_postgresql(served_night) == contents_in_postgresql(warm)
    assert published(served_night) == published(warm)


def test_a_move_that_was_killed_anywhere_is_done_again(
    served_night: ServedNight, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_night(served_night, 1)
    postgresql(served_night).run("night-1")
    before = contents_in_postgresql(served_night)
    monkeypatch.setattr(vault_move, "RESERVE_SECONDS", 10_000)  # a call writes one piece
    calls = 1
    while not (written := served_night.write_move("spark", "killed"))["is_done"]:
        calls += 1
    assert calls >= len([rows for rows in before.values() if rows])
    served_night.do(written["job"])
    assert served_night.worker is not None
    history = served_night.worker.ask({"history": ["hub_order", "sat_order_line"]})
    served_night.do(written["job"])
    assert served_night.worker.ask({"history": ["hub_order", "sat_order_line"]}) == history, "it finds its snapshots"
    assert engine(served_night) == "postgresql"
    served_night.fail("killed")
    monkeypatch.undo()

    drop_night(served_night, 2)
    postgresql(served_night).run("night-2")  # which another night must not lose
    written = served_night.write_move("spark", "again")
    served_night.do(written["job"])
    event = {"step": "record_move", "run_id": "again", "job": written["job"]}
    recorded = served_night.ask(event)
    assert served_night.contents() == contents_in_postgresql(served_night)
    snapshots = served_night.rows("select * from metadata.vault_snapshot order by place")
    assert served_night.ask(event) == recorded
    assert served_night.rows("select * from metadata.vault_snapshot order by place") == snapshots
    assert not served_night.write_move("spark", "a third time")["is_needed"]
    assert served_night.rows("select run_id from metadata.load_run where run_id = 'a third time'") == []


CHANGES = [
    ("sat_customer_details", "loaded_at = loaded_at + interval '1 microsecond'"),
    ("sat_customer_details", "first_name = null"),
    ("sat_order_line", "total_amount = 3 - total_amount"),  # of 1 and 2: they add up to the same
    ("link_customer_order", "record_row = record_row + 1"),
]


def test_a_table_that_differs_is_named_and_nothing_is_switched(served_night: ServedNight) -> None:
    served_night.drop("customers/dt=2026-10-01/a.csv", customers({"customer_id": "C1", "first_name": "Ann"}))
    lines = [{"transaction_id": f"T{n}", "total_amount": str(n)} for n in (1, 2)]
    served_night.drop("transactions/dt=2026-10-01/a.csv", transactions(*lines))
    postgresql(served_night).run("night-1")
    served_night.move("spark", "to-spark")
    first = served_night.write_move("postgresql", "first")["job"]
    served_night.do(first)
    served_night.fail("first")
    [found] = served_night.s3.list_objects_v2(Bucket=WAREHOUSE, Prefix="jobs/first/move/result.json")["Contents"]
    for number, (table, change) in enumerate(CHANGES):
        with psycopg.connect(served_night.admin_url) as connection:
            before = connection.execute(f"select * from raw_vault.{table}".encode()).fetchall()
            connection.execute(f"update raw_vault.{table} set {change}".encode())
        job = served_night.write_move("postgresql", f"move-{number}")["job"]
        # what Spark answers of the same snapshots
        result = served_night.s3.get_object(Bucket=WAREHOUSE, Key=found["Key"])["Body"].read()
        served_night.s3.put_object(Bucket=WAREHOUSE, Key=f"jobs/move-{number}/move/result.json", Body=result)
        with pytest.raises(VaultDiffersError) as raised:
            served_night.ask({"step": "record_move", "run_id": f"move-{number}", "job": job})
        assert f"nothing was switched: {table}: " in str(raised.value)
        assert ";" not in str(raised.value), "no other table is named"
        assert engine(served_night) == "spark"
        served_night.fail(f"move-{number}")
        with psycopg.connect(served_night.admin_url) as connection, connection.cursor() as cursor:
            cursor.execute(f"delete from raw_vault.{table}".encode())
            cursor.executemany(f"insert into raw_vault.{table} values ({', '.join(['%s'] * len(before[0]))})", before)


def test_rows_that_are_lost_on_the_way_are_found(served_night: ServedNight) -> None:
    drop_night(served_night, 1)
    postgresql(served_night).run("night-1")
    written = served_night.write_move("spark", "lossy")
    key = f"{written['job'].removeprefix(f's3://{WAREHOUSE}/')}/sat_customer_details.0.rows"
    rows = served_night.s3.get_object(Bucket=WAREHOUSE, Key=key)["Body"].read().splitlines(keepends=True)
    served_night.s3.put_object(Bucket=WAREHOUSE, Key=key, Body=b"".join(rows[1:]))
    served_night.do(written["job"])
    with pytest.raises(VaultDiffersError, match=rf"sat_customer_details: {len(rows)} and {len(rows) - 1} rows"):
        served_night.ask({"step": "record_move", "run_id": "lossy", "job": written["job"]})
    assert engine(served_night) == "postgresql"


def test_no_move_while_a_run_is_active_and_none_over_one_that_began_since(served_night: ServedNight) -> None:
    drop_night(served_night, 1)
    nights = postgresql(served_night)
    nights.run("night-1")
    nights.plan("active")
    with pytest.raises(VaultInUseError, match="run_id=active"):
        served_night.write_move("spark", "refused")
    assert served_night.rows("select run_id from metadata.load_run where run_id = 'refused'") == []
    nights.fail("active")

    written = served_night.write_move("spark", "overtaken")
    served_night.do(written["job"])
    served_night.drop("customers/dt=2026-10-09/b.csv", customers({"customer_id": "C99"}))
    nights.run("night-2")
    with pytest.raises(LedgerMovedError, match="nothing was switched"):
        served_night.ask({"step": "record_move", "run_id": "overtaken", "job": written["job"]})
    assert engine(served_night) == "postgresql"
    assert served_night.rows("select * from metadata.vault_snapshot") == []


def test_an_empty_vault_needs_no_move(served_night: ServedNight) -> None:
    assert not served_night.write_move("spark", "empty")["is_needed"]
