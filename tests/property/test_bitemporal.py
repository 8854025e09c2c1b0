"""Any files, in any order: at every instant, as known after every night, the vault says what Python computes.

Rows repeat, change there and back, stay unchanged and arrive late; names and contents recur; some files are complete
lists. The oracle keeps all rows of all files and looks for the last one; it shares no code with the product.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.csv_files import COLUMNS, LINE, Row, write_csv
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
class File:
    """A file of the landing zone; two of the same rows have the same content."""

    source: str
    day: int
    name: str
    is_snapshot: bool
    rows: tuple[Row, ...]

    @property
    def key(self) -> str:
        return f"{self.source}/{'snapshot/' if self.is_snapshot else ''}dt=2024-01-0{self.day}/{self.name}.csv"


@dataclass(frozen=True)
class Landed:
    """A file as it was loaded: where it stands among the others, and in which night it became known."""

    file: File
    position: Position
    night: int

    def __str__(self) -> str:
        return f"night {self.night}: {self.file.key} {[tuple(row.values()) for row in self.file.rows]}"


def _customer(number: str, name: str) -> Row:
    return {"customer_id": f"C{number}", "first_name": name}


def _line(order: str, line: str, customer: str, amount: str, status: str) -> Row:
    return {
        **LINE,
        "transaction_id": f"T{order}",
        "line_number": line,
        "customer_id": customer,
        "total_amount": amount,
        "order_status": status,
    }


FEW = st.sampled_from(["1", "2"])
CUSTOMERS = st.builds(_customer, FEW, st.sampled_from(["Ann", "Bea", ""]))
LINES = st.builds(_line, FEW, FEW, st.sampled_from(["C1", "C2", ""]), FEW, FEW)


@st.composite
def files(draw: st.DrawFn) -> File:
    source = draw(st.sampled_from(["customers", "customers", "transactions"]))
    rows = draw(st.lists(CUSTOMERS if source == "customers" else LINES, max_size=3))
    is_snapshot = draw(st.sampled_from([False, False, True]))
    return File(source, draw(st.integers(1, 4)), draw(st.sampled_from("abc")), is_snapshot, tuple(rows))


NIGHTS = st.lists(st.lists(files(), min_size=1, max_size=3), min_size=1, max_size=4)


def _load(night: Night, nights: list[list[File]]) -> tuple[list[Landed], list[datetime]]:
    """Load the files night by night; the files as landed, and the instant from which each night counts as known."""
    landed: list[Landed] = []
    known = []
    for number, batch in enumerate(nights):
        for file in batch:
            version = sum(other.file.key == file.key for other in landed)
            landed.append(Landed(file, (file.day, f"landing/{file.key}", version), number))
            night.drop(file.key, write_csv(COLUMNS[file.source].split(","), file.rows))
        report = night.run(f"night-{number}")
        for counts in report["files"]:
            counted = counts["loaded"] + counts["unchanged"] + counts["duplicate"] + counts["quarantined"]
            assert counts["rows_read"] == counted
        ((loaded_at,),) = night.rows(f"select loaded_at from metadata.load_run where run_id = 'night-{number}'")
        known.append(loaded_at)
    return landed, known


def _rows(landed: list[Landed], source: str, day: int, night: int) -> Iterator[Row]:
    """All rows of a source in the order of their versions, as far as they were true by a day and known by a night."""
    for item in sorted(landed, key=lambda item: item.position):
        if item.file.source == source and item.file.day <= day and item.night <= night:
            yield from item.file.rows


def _expected(landed: list[Landed], day: int, night: int) -> dict[str, dict[Key, Any]]:
    """Satellite -> key -> what was in force."""
    customers: dict[Key, Any] = {}
    lines: dict[Key, Any] = {}
    orders: dict[Key, Any] = {}
    owners: dict[Key, Any] = {}
    for row in _rows(landed, "customers", day, night):
        customers[row["customer_id"],] = row["first_name"] or None
    for row in _rows(landed, "transactions", day, night):
        order = row["transaction_id"]
        lines[order, row["line_number"]] = row["total_amount"]
        orders[order,] = row["order_status"]
        owners[order,] = row["customer_id"] or None
    return {
        "sat_customer_details": customers,
        "sat_order_line": lines,
        "sat_order_details": orders,
        "sat_customer_order_effectivity": owners,
        "sat_customer_status": _deleted(landed, "customers", ("customer_id",), day, night),
        "sat_order_line_status": _deleted(landed, "transactions", ("transaction_id", "line_number"), day, night),
    }


def _deleted(landed: list[Landed], source: str, names: Key, day: int, night: int) -> dict[Key, bool]:
    """The keys that are deleted: a complete list that came after their last row lacks them."""
    alive: dict[Key, bool] = {}
    for item in sorted(landed, key=lambda item: item.position):
        if item.file.source == source and item.file.day <= day and item.night <= night:
            if item.file.is_snapshot:
                alive = dict.fromkeys(alive, False)
            alive |= {tuple(row[name] for name in names): True for row in item.file.rows}
    return {key: True for key, is_alive in alive.items() if not is_alive}


_LINE_OF = (
    "join raw_vault.link_order_product as l using (link_hash_key) join raw_vault.hub_order as k using (order_hash_key)"
)
_CUSTOMER = "join raw_vault.hub_customer as k using (customer_hash_key)"
_ORDER = "join raw_vault.hub_order as k using (order_hash_key)"
_HELD = {
    "sat_customer_details": ("k.customer_id", "s.first_name", _CUSTOMER),
    "sat_order_line": ("k.transaction_id, l.line_number::text", "s.total_amount::text", _LINE_OF),
    "sat_order_details": ("k.transaction_id", "s.order_status", _ORDER),
    "sat_customer_order_effectivity": (
        "k.transaction_id",
        "c.customer_id",
        (
            f"{_ORDER} join raw_vault.link_customer_order as l using (link_hash_key)"
            " join raw_vault.hub_customer as c on c.customer_hash_key = l.customer_hash_key"
        ),
    ),
    "sat_customer_status": ("k.customer_id", "s.is_deleted", _CUSTOMER),
    "sat_order_line_status": ("k.transaction_id, l.line_number::text", "s.is_deleted", _LINE_OF),
}


def _loaded(night: Night) -> dict[str, list[tuple[Any, ...]]]:
    """Satellite -> its rows in the order of their versions: effective instant, loaded at, key, value."""
    return {
        satellite: night.rows(
            f"select s.effective_at, s.loaded_at, array[{key}], {value} from raw_vault.{satellite} as s {parents}"
            " join metadata.object_position as p on p.object_id = s.record_source order by p.position, s.record_row"
        )
        for satellite, (key, value, parents) in _HELD.items()
    }


def _in_force(rows: list[tuple[Any, ...]], day: int, known: datetime) -> dict[Key, Any]:
    at = datetime(2024, 1, day, tzinfo=UTC)
    return {tuple(key): value for effective, loaded, key, value in rows if effective <= at and loaded <= known}


@EXAMPLES
@given(nights=NIGHTS)
def test_the_vault_says_at_every_instant_what_was_in_force_and_known(warm: WarmNight, nights: list[list[File]]) -> None:
    empty(warm)
    landed, known = _load(warm, nights)
    loaded = _loaded(warm)
    for number, loaded_at in enumerate(known):
        for day in range(1, 5):
            expected = _expected(landed, day, number)
            for satellite, rows in loaded.items():
                in_force = _in_force(rows, day, loaded_at)
                if satellite.endswith("_status"):
                    in_force = {key: True for key, is_deleted in in_force.items() if is_deleted}
                assert in_force == expected[satellite], (
                    satellite,
                    f"day {day}",
                    f"night {number}",
                    "\n".join(map(str, landed)),
                )


@EXAMPLES
@given(nights=NIGHTS, data=st.data())
def test_the_order_of_arrival_does_not_change_what_is_in_force(
    warm: WarmNight, nights: list[list[File]], data: st.DataObject
) -> None:
    """Versions of one name keep their order, as S3 lists it; all else may arrive in any order, in any batches."""
    arriving = [file for batch in nights for file in batch]
    names = [file.key for file in arriving]
    shuffled = data.draw(st.permutations(range(len(arriving))))
    order = {name: iter([file for file in arriving if file.key == name]) for name in names}
    again = [[next(order[names[number]])] for number in shuffled]
    empty(warm)
    landed, _ = _load(warm, again)
    last = {
        satellite: _in_force(rows, 9, datetime.max.replace(tzinfo=UTC)) for satellite, rows in _loaded(warm).items()
    }
    expected = _expected(landed, 9, len(again))
    for satellite, in_force in last.items():
        shown = {key: True for key, dead in in_force.items() if dead} if satellite.endswith("_status") else in_force
        assert shown == expected[satellite], satellite
