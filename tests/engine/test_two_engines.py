"""The same files give row for row the same vault in PostgreSQL and in Iceberg tables, in whatever order they arrive.

Rows repeat, change there and back, stay unchanged and arrive late; orders have line numbers or none; some files are
complete lists; files are replaced under their key, and taken back; Spark's work is lost before it is recorded.
"""

import json
import random
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.csv_files import LINE, File
from tests.support.database_state import empty
from tests.support.drawn_nights import ARRIVALS, MODEL, Arrival, drop, wild_rows
from tests.support.lakehouse import SparkNight, contents_in_postgresql
from tests.support.warm_night import WarmNight

EXAMPLES = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a night takes seconds, so an example is not made smaller
    suppress_health_check=list(HealthCheck),
)


def run_both(warm: WarmNight, spark_night: SparkNight, run_id: str, retract: tuple[str, ...] = ()) -> None:
    for night in (warm, spark_night):
        night.model = MODEL
        night.run(run_id, retract=retract)


@pytest.mark.timeout(900)
@EXAMPLES
@given(arrivals=ARRIVALS)
def test_the_same_files_give_the_same_vault(warm: WarmNight, spark_night: SparkNight, arrivals: list[Arrival]) -> None:
    empty(warm)
    empty(spark_night)
    there: list[str] = []
    for number, arrival in enumerate(arrivals):
        for file in arrival.files:
            drop(warm, file)
        retract: tuple[str, ...] = ()
        if arrival.taken_back is not None and there:
            retract = (there.pop(arrival.taken_back % len(there)),)
        there += [key for key in (f"landing/{file.key}" for file in arrival.files) if key not in there]
        spark_night.lost = int(arrival.is_lost)
        run_both(warm, spark_night, f"night-{number}", retract)
        assert spark_night.contents() == contents_in_postgresql(warm), f"after night {number} of {arrivals}"


@pytest.mark.timeout(600)
def test_any_value_has_the_same_hashes_and_is_kept_the_same(warm: WarmNight, spark_night: SparkNight) -> None:
    for source, rows in wild_rows(random.Random(7)).items():
        drop(warm, File(source, 1, "wild", False, tuple(rows)))
    run_both(warm, spark_night, "wild")
    found = contents_in_postgresql(warm)
    assert spark_night.contents() == found
    assert min(len(found[each]) for each in ("sat_customer_details", "sat_product_details", "sat_order_line")) > 30


@pytest.mark.timeout(600)
def test_digits_that_a_table_has_no_room_for_are_hashed_and_rounded(warm: WarmNight, spark_night: SparkNight) -> None:
    prices = [f"1.{'0' * 18}4", f"1.{'0' * 18}5", f"-0.{'9' * 30}", f"1.{'0' * 18}50000", "2"]
    lines = [{**LINE, "transaction_id": f"T{n}", "total_amount": price} for n, price in enumerate(prices)]
    drop(warm, File("transactions", 1, "fine", False, tuple(lines)))
    run_both(warm, spark_night, "first")
    drop(warm, File("transactions", 2, "fine", False, (*lines[:3], {**lines[3], "total_amount": "1.0"}, lines[4])))
    run_both(warm, spark_night, "second")
    found, expected = spark_night.contents(), contents_in_postgresql(warm)
    exact = found.pop("sat_order_line"), expected.pop("sat_order_line")
    assert found == expected
    assert len(exact[0]) == len(exact[1]) == 6  # one of the five has changed, by a digit that is rounded away
    for in_spark, in_postgresql in zip(*(map(json.loads, sorted(rows)) for rows in exact), strict=True):
        amount = Decimal(in_postgresql["total_amount"]).quantize(Decimal(1).scaleb(-18), ROUND_HALF_UP)
        assert in_spark == in_postgresql | {"total_amount": f"{amount.normalize():f}"}
