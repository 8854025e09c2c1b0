"""Any files, in any order: at every instant, as known after every night, the vault says what Python computes.

Rows repeat, change there and back, stay unchanged and arrive late; orders have line numbers or none; some
files are complete lists; files are replaced under their key, and taken back. Tables are loaded in one piece or by
ranges of keys, each in a call of its own. The oracle keeps all rows of all files that count and looks for what they
say last; it shares no code with the product.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from math import inf
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.load.staging import shared_partitions
from functions.load.vault import pace, table_load
from tests.support import oracle
from tests.support.csv_files import COLUMNS, LINE, File, Row, write_csv
from tests.support.database_state import empty
from tests.support.night import Night
from tests.support.warm_night import WarmNight

EXAMPLES = settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

type Key = tuple[str, ...]
type Position = tuple[int, str, int]
"""Day, object key, and which version of that key."""


@dataclass(frozen=True)
class Landed:
    """A file as it was loaded: where it stands among the others, and from which to before which night it was known."""

    file: File
    position: Position
    night: int
    until: float = inf

    def __str__(self) -> str:
        rows = [tuple(value for name, value in row.items() if LINE.get(name) != value) for row in self.file.rows]
        return f"nights {self.night} to {self.until}: {self.file.key} {rows}"


def _customer(number: str, name: str) -> Row:
    return {"customer_id": f"C{number}", "first_name": name}


def _line(order: str, line: str, product: str, customer: str, amount: str, status: str) -> Row:
    return {
        **LINE,
        "transaction_id": f"T{order}",
        "line_number": line,
        "product_id": f"P{product}",
        "customer_id": customer,
        "total_amount": amount,
        "order_status": status,
    }


FEW = st.sampled_from(["1", "2"])
CUSTOMERS = st.builds(_customer, FEW, st.sampled_from(["Ann", "Bea", ""]))
LINES = st.builds(_line, FEW, st.sampled_from(["", "", "1", "2"]), FEW, st.sampled_from(["C1", "C2", ""]), FEW, FEW)


@st.composite
def files(draw: st.DrawFn) -> File:
    source = draw(st.sampled_from(["customers", "transactions", "transactions"]))
    rows = draw(st.lists(CUSTOMERS if source == "customers" else LINES, max_size=4))
    is_snapshot = draw(st.sampled_from([False, False, True]))
    return File(source, draw(st.integers(1, 4)), draw(st.sampled_from("abc")), is_snapshot, tuple(rows))


type Nights = list[list[File] | int]
NIGHTS = st.lists(
    st.one_of(st.lists(files(), min_size=1, max_size=3), st.lists(files(), min_size=1, max_size=3), st.integers(0, 9)),
    min_size=1,
    max_size=5,
)
"""For each night the files that come in, or the number of a file, of those that are there, that is taken back."""


def _load(night: Night, nights: Nights) -> tuple[list[Landed], list[datetime]]:
    """Load the files night by night; the files as landed, and the instant from which each night counts as known."""
    landed: list[Landed] = []
    known = []
    for number, batch in enumerate(nights):
        run_id = f"night-{number}"
        if isinstance(batch, int):
            keys = sorted({each.file.key for each in landed if each.until == inf})
            if keys:
                taken_back = keys[batch % len(keys)]
                landed = [_ended(each, taken_back, number) for each in landed]
                night.run(run_id, retract=(f"landing/{taken_back}",))
            else:
                night.run(run_id)
        else:
            for file in batch:
                version = sum(other.file.key == file.key for other in landed)
                landed = [_ended(each, file.key, number) for each in landed]
                landed.append(Landed(file, (file.day, f"landing/{file.key}", version), number))
                night.drop(file.key, write_csv(COLUMNS[file.source].split(","), file.rows))
            for counts in night.run(run_id)["files"]:
                counted = counts["loaded"] + counts["unchanged"] + counts["duplicate"] + counts["quarantined"]
                assert counts["rows_read"] == counted
                assert counts["overruled"] <= counts["duplicate"]
        ((loaded_at,),) = night.rows(f"select loaded_at from metadata.load_run where run_id = '{run_id}'")
        known.append(loaded_at)
    return landed, known


def _ended(item: Landed, key: str, night: int) -> Landed:
    return replace(item, until=night) if item.file.key == key and item.until == inf else item


def _instants(landed: list[Landed], source: str, day: int, night: int) -> Iterator[list[Landed]]:
    """The files of a source that counted, as far as true by a day and known by a night; those of each day together."""
    counted = [
        item
        for item in landed
        if item.file.source == source and item.file.day <= day and item.night <= night < item.until
    ]
    for _, batch in groupby(sorted(counted, key=lambda item: item.position), lambda item: item.file.day):
        yield list(batch)


def _expected(landed: list[Landed], day: int, night: int) -> dict[str, dict[Key, Any]]:
    """What was in force: satellite -> key -> value; of order lines, by what they say, how often."""
    customers: dict[Key, Any] = {}
    orders: dict[Key, Any] = {}
    owners: dict[Key, Any] = {}
    lines: dict[str, oracle.Lines] = {}
    alive: dict[Key, bool] = {}
    for batch in _instants(landed, "customers", day, night):
        is_list = any(item.file.is_snapshot for item in batch)
        for item in batch:
            customers |= {(row["customer_id"],): row["first_name"] or None for row in item.file.rows}
        if is_list:
            alive = dict.fromkeys(customers, False)
        alive |= {(row["customer_id"],): True for rows in _said_last(batch) for row in rows}
    for batch in _instants(landed, "transactions", day, night):
        for item in batch:
            for row in item.file.rows:
                orders[row["transaction_id"],] = row["order_status"]
                owners[row["transaction_id"],] = row["customer_id"] or None
        oracle.add_rows(lines, _said_last(batch), is_list=any(item.file.is_snapshot for item in batch))
    return {
        "sat_customer_details": customers,
        "sat_order_details": orders,
        "sat_customer_order_effectivity": owners,
        "sat_customer_status": {key: True for key, is_alive in alive.items() if not is_alive},
        "lines": dict(
            Counter(
                (order, key[0], row["product_id"], row["total_amount"])
                for order, stated in lines.items()
                for key, row in stated.items()
            )
        ),
    }


def _said_last(batch: list[Landed]) -> list[tuple[Row, ...]]:
    """The rows of the files of one instant; with a complete list among them, of those from it on."""
    first = next((number for number, item in enumerate(batch) if item.file.is_snapshot), 0)
    return [item.file.rows for item in batch[first:]]


_CUSTOMER = "join raw_vault.hub_customer as k using (customer_hash_key)"
_ORDER = "join raw_vault.hub_order as k using (order_hash_key)"
_HELD = {
    "sat_customer_details": ("k.customer_id", "s.first_name", _CUSTOMER),
    "sat_order_details": ("k.transaction_id", "s.order_status", _ORDER),
    "sat_customer_order_effectivity": (
        "k.transaction_id",
        "c.customer_id",
        (
            f"{_ORDER} join raw_vault.link_customer_order as l using (link_hash_key)"
            " join raw_vault.hub_customer as c on c.customer_hash_key = l.customer_hash_key"
        ),
    ),
    "sat_order_line": (
        "s.link_hash_key::text",
        "array[k.transaction_id, coalesce(l.line_number::text, ''), p.product_id, s.total_amount::text]",
        (
            "join raw_vault.link_order_product as l using (link_hash_key)"
            " join raw_vault.hub_order as k using (order_hash_key)"
            " join raw_vault.hub_product as p using (product_hash_key)"
        ),
    ),
}
_STATUS = {
    "sat_customer_status": ("k.customer_id", _CUSTOMER),
    "sat_order_line_status": ("s.link_hash_key::text", ""),
}


def _held(night: Night) -> dict[str, list[tuple[Any, ...]]]:
    """Satellite -> its rows in order: effective instant, known from, known until, key, value."""
    versions = {
        satellite: night.rows(
            f"select s.effective_at, s.loaded_at, r.known_until, array[{key}], {value}"
            f" from raw_vault.{satellite} as s {parents}"
            " join metadata.object_version as o on o.object_id = s.record_source"
            " left join metadata.retraction as r using (object_id)"
            " order by s.effective_at, o.object_key, o.uploaded_at, o.object_id, s.record_row"
        )
        for satellite, (key, value, parents) in _HELD.items()
    }
    return versions | {
        satellite: night.rows(
            f"select s.effective_at, s.loaded_at, null, array[{key}], s.is_deleted"
            f" from raw_vault.{satellite} as s {parents} order by s.effective_at, s.loaded_at"
        )
        for satellite, (key, parents) in _STATUS.items()
    }


def _in_force(held: dict[str, list[tuple[Any, ...]]], day: int, known: datetime) -> dict[str, dict[Key, Any]]:
    at = datetime(2024, 1, day, tzinfo=UTC)
    found = {
        satellite: {
            tuple(key): value
            for effective, loaded, until, key, value in rows
            if effective <= at and loaded <= known and (until is None or until > known)
        }
        for satellite, rows in held.items()
    }
    gone = {satellite: {key: True for key, dead in found.pop(satellite).items() if dead} for satellite in _STATUS}
    lines = found.pop("sat_order_line")
    found["lines"] = dict(
        Counter(tuple(line) for key, line in lines.items() if key not in gone["sat_order_line_status"])
    )
    return found | {"sat_customer_status": gone["sat_customer_status"]}


@EXAMPLES
@given(
    nights=NIGHTS, batch_rows=st.sampled_from([1, 3, pace.BATCH_ROWS]), is_large=st.booleans(), are_shared=st.booleans()
)
def test_the_vault_says_at_every_instant_what_was_in_force_and_known(
    warm: WarmNight, nights: Nights, batch_rows: int, *, is_large: bool, are_shared: bool
) -> None:
    """`is_large`: satellites are read whole, not by the keys of the files; `are_shared`: partitions of staging are."""
    empty(warm)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(pace, "BATCH_ROWS", batch_rows)
        monkeypatch.setattr(shared_partitions, "SHARED_FROM", 2 if are_shared else shared_partitions.SHARED_FROM)
        monkeypatch.setattr(table_load, "is_large", lambda *_rows: is_large)
        landed, known = _load(warm, nights)
    held = _held(warm)
    for number, loaded_at in enumerate(known):
        for day in range(1, 5):
            found, expected = _in_force(held, day, loaded_at), _expected(landed, day, number)
            for satellite, in_force in found.items():
                if satellite == "sat_customer_status":
                    in_force = {key: True for key in in_force if key in expected["sat_customer_details"]}
                assert in_force == expected[satellite], (
                    satellite,
                    f"day {day}",
                    f"night {number}",
                    "\n".join(map(str, landed)),
                )


@EXAMPLES
@given(nights=NIGHTS, data=st.data())
def test_the_order_of_arrival_does_not_change_what_is_in_force(
    warm: WarmNight, nights: Nights, data: st.DataObject
) -> None:
    """Versions of one name keep their order, as in S3; all else may arrive in any order, in any batches."""
    arriving = [file for batch in nights if not isinstance(batch, int) for file in batch]
    names = [file.key for file in arriving]
    shuffled = data.draw(st.permutations(range(len(arriving))))
    order = {name: iter([file for file in arriving if file.key == name]) for name in names}
    again: Nights = [[next(order[names[number]])] for number in shuffled]
    empty(warm)
    landed, _ = _load(warm, again)
    found = _in_force(_held(warm), 9, datetime.max.replace(tzinfo=UTC))
    expected = _expected(landed, 9, len(again))
    assert {satellite: expected[satellite] for satellite in found} == found
