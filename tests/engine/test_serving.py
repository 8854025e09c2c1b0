"""PostgreSQL serves what the nights of Spark have recorded: the whole of it, once, and nothing else."""

import random

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from functions.common.vault_engine import EngineMismatchError
from functions.engine import stored_job
from functions.engine.vault_job import LedgerMovedError
from tests.support import oracle
from tests.support.csv_files import COLUMNS, LINE, File, customers, write_csv
from tests.support.database_state import empty, everything, published
from tests.support.drawn_nights import ARRIVALS, MODEL, Arrival, drop, wild_rows
from tests.support.lakehouse import ServedNight, contents_in_postgresql
from tests.support.night import Night
from tests.support.warm_night import WarmNight

EXAMPLES = settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
ANN = customers({"customer_id": "C1", "first_name": "Ann"})
BEA = customers({"customer_id": "C1", "first_name": "Bea"}, {"customer_id": "C2"})


@pytest.mark.timeout(900)
@EXAMPLES
@given(arrivals=ARRIVALS)
def test_what_is_published_is_the_oracles(served_night: ServedNight, arrivals: list[Arrival]) -> None:
    empty(served_night)
    served_night.model = MODEL
    there: dict[str, str] = {}
    for number, arrival in enumerate(arrivals):
        if arrival.taken_back is not None and there:
            key = list(there)[arrival.taken_back % len(there)]
            del there[key]
            served_night.run(f"retraction-{number}", retract=(f"landing/{key}",))
        for file in arrival.files:
            drop(served_night, file)
        there |= {file.key: write_csv(COLUMNS[file.source].split(","), file.rows) for file in arrival.files}
        served_night.lost = int(arrival.is_lost)
        served_night.run(f"night-{number}")
        assert contents_in_postgresql(served_night) == served_night.contents(), f"after night {number} of {arrivals}"
        assert published(served_night) == oracle.marts(there.items()), f"after night {number} of {arrivals}"


@pytest.mark.timeout(600)
def test_any_value_is_served_as_the_other_engine_has_it(warm: WarmNight, served_night: ServedNight) -> None:
    for source, rows in wild_rows(random.Random(11)).items():
        drop(warm, File(source, 1, "wild", False, tuple(rows)))
    for night in (warm, served_night):
        night.model = MODEL
        night.run("wild")
    assert contents_in_postgresql(served_night) == contents_in_postgresql(warm)
    assert published(served_night) == published(warm)
    assert served_night.contents_by_another_reader() == contents_in_postgresql(warm), "whoever reads the tables"


@pytest.mark.timeout(600)
def test_digits_that_iceberg_rounds_are_served_whole(warm: WarmNight, served_night: ServedNight) -> None:
    amounts = [f"1.{'0' * 18}4", f"-0.{'9' * 30}", "2", "2.50"]
    lines = ({**LINE, "transaction_id": f"T{n}", "total_amount": amount} for n, amount in enumerate(amounts))
    drop(warm, File("transactions", 1, "fine", False, tuple(lines)))
    for night in (warm, served_night):
        night.model = MODEL
        night.run("fine")
    assert contents_in_postgresql(served_night) == contents_in_postgresql(warm)
    assert published(served_night) == published(warm)


@pytest.mark.timeout(600)
def test_a_copy_that_breaks_off_leaves_nothing_and_is_done_once(
    served_night: ServedNight, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_night.drop("customers/dt=2026-11-01/a.csv", ANN)
    run_id, object_ids = served_night.plan("broken")
    served_night.stage(run_id, object_ids)
    served_night.check(run_id, "staging")
    before = everything(served_night)
    written = served_night.work(run_id)
    assert written is not None
    lines = stored_job.appended_lines
    with monkeypatch.context() as patch:
        patch.setattr(
            "functions.engine.serving.appended_lines",
            lambda s3, uri, table: iter(()) if table.startswith("sat_") else lines(s3, uri, table),
        )
        with pytest.raises(LedgerMovedError, match="reached PostgreSQL"):
            served_night.record(run_id, written["job"])
    assert everything(served_night) == before
    assert served_night.rows("select * from metadata.vault_snapshot") == []
    assert served_night.record(run_id, written["job"])["sat_customer_details"] == 1
    after = everything(served_night)
    assert served_night.record(run_id, written["job"]) == {}
    assert everything(served_night) == after


@pytest.mark.timeout(600)
def test_a_list_that_lacks_too_much_is_held(served_night: ServedNight) -> None:
    many = [{"customer_id": f"C{number}"} for number in range(400)]
    served_night.drop("customers/snapshot/dt=2026-11-01/a.csv", customers(*many))
    served_night.run()
    served_night.drop("customers/snapshot/dt=2026-11-02/a.csv", customers(*many[:10]))
    report = served_night.run()
    assert [file["status"] for file in report["files"]] == ["HELD"]
    assert len(published(served_night).customers) == 400


@pytest.mark.timeout(600)
def test_each_engine_refuses_the_vault_of_the_other(served_night: ServedNight) -> None:
    served_night.drop("customers/dt=2026-11-01/a.csv", ANN)
    served_night.run()
    served_night.drop("customers/dt=2026-11-02/b.csv", BEA)
    by_postgresql = Night(served_night.admin_url, served_night.s3)
    with pytest.raises(EngineMismatchError, match="kept by spark"):
        by_postgresql.run("refused")
    by_postgresql.fail("refused")
    with psycopg.connect(served_night.admin_url) as connection:
        connection.execute("delete from metadata.vault_engine")  # as a vault that PostgreSQL has begun
    with pytest.raises(EngineMismatchError, match="kept by postgresql"):
        served_night.run("refused too")
    assert [row[1] for row in published(served_night).customers] == ["Ann"]
