"""Small files among very many share partitions of staging, and each is still staged, staged again and left alone."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from functions.load.plan import finish
from functions.load.plan.plan import partitions_limit
from functions.load.staging import shared_partitions
from functions.load.staging.set_aside import hold
from functions.load.staging.stage import stage
from local.servers.postgres import PostgresServer
from tests.support.csv_files import customers, products, transactions
from tests.support.database import fresh_database, make_quick
from tests.support.night import Night, prepare
from tests.support.sabotage import cut_at_every_statement

LOCKS = 16
"""Of each connection: a run fills 100 partitions at most."""

FILES = 250

_PARTITIONS = (
    "select c.relname from pg_inherits join pg_class as c on c.oid = inhrelid where c.relname ~ '^(part|shared)_'"
)


@pytest.fixture
def always_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files are very many."""
    monkeypatch.setattr(shared_partitions, "SHARED_FROM", 2)


@pytest.fixture
def few_locks(scratch: Path, night: Night) -> Iterator[Night]:
    """The landing zone of a night, before a PostgreSQL with a small table of locks."""
    server = PostgresServer(scratch / "few_locks")
    with server.running():
        make_quick(server)
        with psycopg.connect(server.url_for("postgres"), autocommit=True) as connection:
            connection.execute(f"alter system set max_locks_per_transaction = {LOCKS}")
        server.stop()
        server.start()
        with fresh_database(server) as url:
            prepare(url)
            yield Night(url, night.s3)
    server.remove()


def partitions(night: Night) -> list[str]:
    """The partitions that staging has."""
    return sorted(name for (name,) in night.rows(_PARTITIONS))


def staged(night: Night) -> list[tuple[str, str]]:
    """Partition and customer of each staged row of customers."""
    return night.rows(
        "select tableoid::regclass::text, customer_id from staging.customers order by object_id, row_number"
    )


def drop_customers(night: Night, count: int) -> list[str]:
    """A file each for so many customers, from C0 on; their keys."""
    names = [f"customers/dt=2024-01-0{number + 1}/a.csv" for number in range(count)]
    for number, name in enumerate(names):
        night.drop(name, customers({"customer_id": f"C{number}"}))
    return [f"landing/{name}" for name in names]


def test_one_run_loads_more_files_than_the_table_of_locks_has_room_for_partitions(few_locks: Night) -> None:
    night = few_locks
    for number in range(FILES // 2):
        night.drop(f"customers/dt=2024-01-01/{number}.csv", customers({"customer_id": f"C{number}"}))
        night.drop(f"transactions/dt=2024-01-02/{number}.csv", transactions({"transaction_id": f"T{number}"}))
    run_id, object_ids = night.plan()
    with night.connect() as connection:
        assert partitions_limit(connection) == 100
    assert len(object_ids) == FILES
    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(lambda each: night.stage(run_id, [each]), object_ids))
    assert statuses == [["STAGED"]] * FILES
    assert len(partitions(night)) == 2
    night.check(run_id, "staging")
    night.load_vault(run_id)
    night.check(run_id, "vault")
    night.publish(run_id)
    report = night.finish(run_id)
    assert (report["totals"]["loaded"], report["files_waiting"], partitions(night)) == (FILES, 0, [])


def test_few_files_have_a_partition_each(night: Night) -> None:
    drop_customers(night, 3)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    assert partitions(night) == sorted(f"part_{object_id}_0" for object_id in object_ids)


@pytest.mark.usefixtures("always_shared")
def test_large_files_keep_a_partition_of_their_own_and_small_ones_share_by_number_and_size(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_partitions, "SHARED_FILES", 2)
    monkeypatch.setattr(shared_partitions, "SMALL_BYTES", 1_000)
    for number in range(5):
        night.drop(f"customers/dt=2024-01-0{number + 1}/small.csv", customers({"customer_id": f"C{number}"}))
        night.drop(f"products/dt=2024-01-0{number + 1}/small.csv", products({"product_id": f"P{number}"}))
    large = customers(*({"customer_id": f"L{number}"} for number in range(100)))
    night.drop("customers/dt=2024-01-03/large.csv", large)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    together: dict[str, list[str]] = {}
    for partition, customer_id in staged(night):
        together.setdefault(partition, []).append(customer_id)
    assert [members for members in together.values() if members[0][0] == "C"] == [["C0", "C1"], ["C2", "C3"], ["C4"]]
    assert [len(members) for members in together.values() if members[0][0] == "L"] == [100]
    assert [name.partition("_")[0] for name in partitions(night)] == ["part", *["shared"] * 6]
    night.finish(run_id)
    monkeypatch.setattr(shared_partitions, "SHARED_FILES", 100)
    monkeypatch.setattr(shared_partitions, "SHARED_BYTES", 2_000)
    for name in "xyz":
        night.drop(f"customers/dt=2024-01-04/{name}.csv", customers(*({"customer_id": name * n} for n in range(1, 30))))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    sizes = night.rows("select size_bytes from metadata.object_version where object_key ~ '/x.csv'")
    assert sizes[0][0] in range(700, 1_000), "two in a partition"
    assert len(partitions(night)) == 2


@pytest.mark.usefixtures("always_shared")
def test_versions_of_a_key_keep_their_order_whatever_their_sizes(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 gives whole seconds: of two versions that were uploaded in one, their ids say which is the newer."""
    monkeypatch.setattr(shared_partitions, "SMALL_BYTES", 1_000)
    for rows in (1, 100, 2, 90, 3):
        night.drop("customers/dt=2024-01-01/b.csv", customers(*({"customer_id": f"C{n}"} for n in range(rows))))
    drop_customers(night, 3)
    night.plan()
    sizes = "select size_bytes > 1000 from metadata.object_version where object_key ~ 'b.csv' order by object_id"
    assert night.rows(sizes) == [(False,), (True,), (False,), (True,), (False,)]


@pytest.mark.usefixtures("always_shared")
def test_a_file_cut_off_anywhere_and_staged_again_is_there_once_and_no_other_is_touched(night: Night) -> None:
    drop_customers(night, 3)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids[:1])
    first = staged(night)
    for cut in cut_at_every_statement(
        night.connect, lambda connection: stage(connection, night.s3, night.model, run_id, object_ids[1])
    ):
        assert staged(night) == first, f"half a file after statement {cut}"
    assert [customer for _, customer in staged(night)] == ["C0", "C1"]
    with psycopg.connect(night.admin_url) as connection:  # as a server that lost some of what was staged
        connection.execute("delete from staging.customers where customer_id = 'C0'")
    assert night.stage(run_id, object_ids) == ["STAGED"] * 3
    assert [customer for _, customer in staged(night)] == ["C0", "C1", "C2"]
    assert len(partitions(night)) == 1
    assert night.stage(run_id, object_ids) == ["STAGED"] * 3
    assert [customer for _, customer in staged(night)] == ["C0", "C1", "C2"]


@pytest.mark.usefixtures("always_shared")
def test_a_file_that_is_set_aside_leaves_the_others_of_its_partition(night: Night) -> None:
    drop_customers(night, 3)
    night.drop("customers/dt=2024-01-02/b.csv", "first_name\nAnn\n")
    run_id, object_ids = night.plan()
    assert sorted(night.stage(run_id, object_ids)) == ["REJECTED", "STAGED", "STAGED", "STAGED"]
    held = night.rows("select object_id from staging.customers where customer_id = 'C1'")[0][0]
    with night.connect() as connection:
        hold(connection, run_id, held, "asked for by this test")
    assert [customer for _, customer in staged(night)] == ["C0", "C2"]


@pytest.mark.usefixtures("always_shared")
def test_of_two_first_files_of_a_partition_at_once_one_makes_it(night: Night) -> None:
    drop_customers(night, 2)
    run_id, (first, second) = night.plan()
    with night.connect() as connection, ThreadPoolExecutor(1) as pool:
        stage(connection, night.s3, night.model, run_id, first)
        waiting = pool.submit(night.stage, run_id, [second])
        assert not threading.Event().wait(0.3)
        assert not waiting.done()
        connection.commit()
        assert waiting.result(timeout=30) == ["STAGED"]
    assert [customer for _, customer in staged(night)] == ["C0", "C1"]
    assert len(partitions(night)) == 1


@pytest.mark.usefixtures("always_shared")
@pytest.mark.parametrize("emptied_before", [True, False])
def test_a_run_takes_only_its_own_rows_out_of_what_another_shares(night: Night, *, emptied_before: bool) -> None:
    """A run has failed, and two others have taken its files over."""
    keys = drop_customers(night, 3)
    failed, object_ids = night.plan()
    night.stage(failed, object_ids)
    night.fail(failed)
    one, (mine,) = night.plan(files=(keys[1],))
    other, others = night.plan()
    assert (mine, others) == (object_ids[1], [object_ids[0], object_ids[2]])
    for run_id, ids in ((one, [mine]), (other, others)):
        night.stage(run_id, ids)
        night.load_vault(run_id)
    if emptied_before:
        with night.connect() as connection:
            connection.autocommit = True
            finish.empty_staging(connection, one)
        assert [customer for _, customer in staged(night)] == ["C0", "C2"]
    night.finish(one)
    assert [customer for _, customer in staged(night)] == ["C0", "C2"]
    night.check(other, "vault")
    night.finish(other)
    assert partitions(night) == []
    assert night.rows("select count(*) from raw_vault.sat_customer_details") == [(3,)]


@pytest.mark.usefixtures("always_shared")
def test_a_run_that_ends_waits_for_who_is_staging_a_file_beside_its_own(night: Night) -> None:
    keys = drop_customers(night, 2)
    failed, (first, second) = night.plan()
    night.stage(failed, [first])
    night.fail(failed)
    one, _ = night.plan(files=(keys[0],))
    other, _ = night.plan()
    night.load_vault(one)
    with night.connect() as connection, ThreadPoolExecutor(1) as pool:
        stage(connection, night.s3, night.model, other, second)
        finishing = pool.submit(night.finish, one)
        assert not threading.Event().wait(0.3)
        assert not finishing.done()
        connection.commit()
        assert finishing.result(timeout=30)["status"] == "SUCCEEDED"
    assert [customer for _, customer in staged(night)] == ["C1"]
