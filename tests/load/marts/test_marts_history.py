"""Any files in any nights: marts kept up to date, marts rebuilt, as-of answers and plain Python all agree."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.load.marts import publish as publication
from functions.load.marts.rebuild import rebuild
from functions.model.render import marts as render_marts
from tests.support import oracle
from tests.support.csv_files import COLUMNS, LINE, File, Row, write_csv
from tests.support.database_state import Dump, empty, everything, published
from tests.support.night import Night
from tests.support.oracle import Marts
from tests.support.warm_night import WarmNight

FIRST_NIGHT = date(2024, 1, 5)
DAYS = range(1, 5)


def _customer(number: str, name: str) -> Row:
    return {"customer_id": f"C{number}", "first_name": name}


def _product(number: str, category: str) -> Row:
    return {"product_id": f"P{number}", "category": category}


def _line(order: str, product: str, line: str, customer: str, amount: str, ordered: str) -> Row:
    named = {"transaction_id": f"T{order}", "product_id": f"P{product}", "line_number": line, "customer_id": customer}
    return {**LINE, **named, "quantity": amount[0], "total_amount": amount, "order_date": ordered}


FEW = st.sampled_from(["1", "2"])
ROWS = {
    "customers": st.builds(_customer, FEW, st.sampled_from(["Ann", "Bea", ""])),
    "products": st.builds(_product, FEW, st.sampled_from(["Books", "Toys", ""])),
    "transactions": st.builds(
        _line,
        st.sampled_from(["1", "2", "3"]),
        FEW,
        st.sampled_from(["", "1", "2"]),
        st.sampled_from(["C1", "C2", "C3", ""]),
        st.sampled_from(["1", "2.50", "3.125"]),
        st.sampled_from(["2024-01-01", "2024-01-03T23:30:00-01:00", "2024-02-01T12:00:00Z"]),
    ),
}


@st.composite
def files(draw: st.DrawFn) -> File:
    source = draw(st.sampled_from(["customers", "products", "transactions", "transactions"]))
    rows = draw(st.lists(ROWS[source], max_size=4))
    is_snapshot = draw(st.sampled_from([False, False, True]))
    return File(source, draw(st.sampled_from(DAYS)), draw(st.sampled_from("ab")), is_snapshot, tuple(rows))


NIGHTS = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 26, 28, 30, 60, 89, 336, 365]), st.lists(files(), max_size=3)),
    min_size=1,
    max_size=4,
)
"""Days since the night before, and the files that came in."""


@pytest.fixture
def warm(night: Night) -> Iterator[WarmNight]:
    warm = WarmNight(night.admin_url, night.s3)
    yield warm
    warm.connect().close()


def _load(night: Night, run_id: str, known: datetime) -> None:
    """A night at that instant, whatever the clock says; it publishes also when nothing came in."""
    _, object_ids = night.plan(run_id)
    with psycopg.connect(night.admin_url) as connection:  # the loader may not
        connection.execute("update metadata.load_run set loaded_at = %s where run_id = %s", (known, run_id))
    if object_ids:
        night.stage(run_id, object_ids)
        night.load_vault(run_id)
        night.check(run_id, "vault")
    night.publish(run_id)
    night.finish(run_id)


def _as_of(night: Night, day: int, known: datetime, form: str) -> Marts:
    with night.connect() as connection:
        return Marts(
            *(
                connection.execute(
                    f"select * from business_vault.{name}_{form}(%s, %s) order by {order}".encode(),
                    (datetime(2024, 1, day, tzinfo=UTC), known),
                ).fetchall()
                for name, order in (
                    ("customer_360", "customer_id"),
                    ("product_analytics", "product_id"),
                    ("order_analytics", "transaction_id, line_number, product_id"),
                )
            )
        )


def _row_counts(night: Night) -> dict[str, int]:
    row_counts = dict(night.rows("select mart, rows from metadata.mart_publication"))
    counted = {mart: night.rows(f"select count(*) from business_vault.{mart}")[0][0] for mart in row_counts}
    assert row_counts == counted
    return row_counts


def _marts(dump: Dump) -> Dump:
    return {table: rows for table, rows in dump.items() if table.startswith("business_vault.")}


@settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a night takes too long to shrink many
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    nights=NIGHTS,
    few_keys=st.sampled_from([0, 1, render_marts.FEW_KEYS]),
    share_of_all=st.sampled_from([0, publication.SHARE_OF_ALL, math.inf]),
)
def test_marts_rebuild_as_of_and_plain_python_agree(
    warm: WarmNight, nights: list[tuple[int, list[File]]], few_keys: int, share_of_all: float
) -> None:
    """Whether touched keys are looked up one by one, read together or all computed anew makes no difference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render_marts, "FEW_KEYS", few_keys)
        patch.setattr(publication, "SHARE_OF_ALL", share_of_all)
        _check(warm, nights)


def _check(warm: WarmNight, nights: list[tuple[int, list[File]]]) -> None:
    empty(warm)
    landed: list[tuple[str, str]] = []
    known: list[tuple[datetime, int]] = []
    today = FIRST_NIGHT
    for number, (days, batch) in enumerate(nights):
        today += timedelta(days=days)
        for file in batch:
            content = write_csv([*COLUMNS[file.source].split(","), f"of_file_{len(landed)}"], file.rows)
            landed.append((file.key, content))
            warm.drop(*landed[-1])
        known.append((datetime(today.year, today.month, today.day, 1, number, tzinfo=UTC), len(landed)))
        _load(warm, f"night-{number}", known[-1][0])
        assert oracle.without_bare_keys(published(warm)) == oracle.without_bare_keys(oracle.marts(landed, today))
        assert _row_counts(warm)

    kept = _marts(everything(warm))
    with warm.connect() as connection:
        rebuild(connection)
    assert _marts(everything(warm)) == kept
    assert _row_counts(warm)

    for instant, count in known:
        for day in DAYS:
            expected = oracle.as_of(landed[:count], date(2024, 1, day))
            for form in ("as_of", "whole_as_of"):
                shown = _as_of(warm, day, instant, form)
                assert oracle.without_bare_keys(shown) == oracle.without_bare_keys(expected), form
