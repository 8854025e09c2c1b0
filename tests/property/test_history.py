"""Any small files, in any batches, order and repetition: the marts are what plain Python computes from all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.load.marts.rebuild import rebuild
from functions.load.vault import table_load
from tests.support import oracle
from tests.support.csv_files import COLUMNS, LINE, Row, write_csv
from tests.support.database_state import empty, everything, published
from tests.support.night import Night
from tests.support.warm_night import WarmNight

EXAMPLES = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DAYS = st.integers(1, 3)
FEW = st.sampled_from(["1", "2"])


@dataclass(frozen=True)
class File:
    """A file of the landing zone. `number` makes its name and its bytes its own."""

    source: str
    day: int
    number: int
    rows: tuple[Row, ...]

    @property
    def key(self) -> str:
        return f"{self.source}/dt=2024-01-0{self.day}/{self.number % 3}.csv"

    @property
    def content(self) -> str:
        """CSV; a column that the model does not know makes files with equal rows differ."""
        columns = [*COLUMNS[self.source].split(","), f"file_{self.number}"]
        return write_csv(columns, self.rows)


def _customer(number: str, name: str, city: str) -> Row:
    return {"customer_id": f"C{number}", "first_name": name, "city": city}


def _line(order: str, product: str, line: str, customer: str, amount: int, status: str) -> Row:
    named = {"transaction_id": f"T{order}", "product_id": f"P{product}", "customer_id": customer, "line_number": line}
    shown = {"quantity": str(amount), "total_amount": f"{amount * 3}.07", "order_status": status}
    return {**LINE, **named, **shown, "order_date": f"2024-01-01T0{order}:00:00Z"}


CUSTOMERS = st.builds(_customer, FEW, st.sampled_from(["Ann", "Bea", ""]), st.sampled_from(["Rome", ""]))
LINES = st.builds(
    _line, FEW, FEW, st.sampled_from(["", "1", "2"]), st.sampled_from(["C1", "C3", ""]), st.integers(-2, 3), FEW
)


@st.composite
def landing(draw: st.DrawFn) -> list[File]:
    """One to five files; names recur, so some are versions of one key."""
    files = []
    for number in range(draw(st.integers(1, 5))):
        source = draw(st.sampled_from(["customers", "transactions"]))
        rows = draw(st.lists(CUSTOMERS if source == "customers" else LINES, max_size=4))
        files.append(File(source, draw(DAYS), number, tuple(rows)))
    return files


def _load(night: Night, batches: Iterable[list[File]]) -> None:
    for batch in batches:
        for file in batch:
            night.drop(file.key, file.content)
        report = night.run()
        for counts in report["files"]:
            counted = counts["loaded"] + counts["unchanged"] + counts["duplicate"] + counts["quarantined"]
            assert counts["rows_read"] == counted
            assert counts["overruled"] <= counts["duplicate"]
        assert report["totals"]["quarantined"] == 0
        kept = {file.key: file for file in batch}  # a later version of a key replaces the earlier ones
        assert report["totals"]["rows_read"] == sum(len(file.rows) for file in kept.values())


def _again(night: Night, files: list[File]) -> None:
    """The same content under other names, in reverse: nothing may change."""
    before = everything(night)
    latest = {file.key: file for file in files}
    for file in reversed(latest.values()):
        night.drop(file.key.replace(".csv", "-copy.csv"), file.content)
    assert {file["status"] for file in night.run()["files"]} == {"REPEATED"}
    assert everything(night) == before


@EXAMPLES
@given(files=landing(), cuts=st.sets(st.integers(1, 4), max_size=2), is_large=st.booleans())
def test_files_in_the_order_of_their_days_give_what_plain_python_computes(
    warm: WarmNight, files: list[File], cuts: set[int], *, is_large: bool
) -> None:
    """Rows may repeat, go there and back, and stay unchanged; several nights, each of any number of files.

    `is_large`: whether satellites are read whole or by the keys of the files.
    """
    files.sort(key=lambda file: (file.day, file.key, file.number))
    batches = [files[start:end] for start, end in pairwise([0, *sorted(cuts), len(files)]) if files[start:end]]
    empty(warm)
    with patch.object(table_load, "is_large", return_value=is_large):
        _load(warm, batches)
    assert oracle.without_bare_keys(published(warm)) == oracle.without_bare_keys(
        oracle.marts([(each.key, each.content) for each in files])
    )
    _again(warm, files)


@EXAMPLES
@given(files=landing(), data=st.data())
def test_files_in_any_order_of_arrival_give_what_plain_python_computes(
    warm: WarmNight, files: list[File], data: st.DataObject
) -> None:
    """Late and same-instant files too, whatever they repeat."""
    arriving = data.draw(st.permutations(files))
    size = data.draw(st.integers(1, 3))
    empty(warm)
    _load(warm, [arriving[start : start + size] for start in range(0, len(arriving), size)])
    by_version = [(file.key, file.content) for file in arriving]  # versions of a key follow each other as uploaded
    assert oracle.without_bare_keys(published(warm)) == oracle.without_bare_keys(oracle.marts(by_version))
    _again(warm, arriving)


@EXAMPLES
@given(files=landing(), data=st.data())
def test_a_file_that_is_taken_back_leaves_what_the_others_say(
    warm: WarmNight, files: list[File], data: st.DataObject
) -> None:
    """Whichever it is, and whatever the others repeat of it or have replaced."""
    empty(warm)
    _load(warm, [[file] for file in files])
    taken_back = data.draw(st.sampled_from(files)).key
    warm.run(retract=(f"landing/{taken_back}",))
    left = [(file.key, file.content) for file in files if file.key != taken_back]
    assert oracle.without_bare_keys(published(warm)) == oracle.without_bare_keys(oracle.marts(left))


@EXAMPLES
@given(files=landing(), data=st.data())
def test_files_of_the_future_show_when_they_come_into_force(
    warm: WarmNight, files: list[File], data: st.DataObject
) -> None:
    """Whenever they arrive and whatever they change or repeat; also nights without files, and a file taken back."""
    arriving = data.draw(st.permutations(files))
    nights = [[file] for file in arriving] + [[]] * data.draw(st.integers(0, 2))
    days = sorted(data.draw(st.lists(DAYS, min_size=len(nights), max_size=len(nights))))
    taken_back = data.draw(st.none() | st.sampled_from(files))
    empty(warm)
    there: list[File] = []
    for batch, day in zip([*nights, []], [*days, 4], strict=True):
        for file in batch:
            warm.drop(file.key, file.content)
            there.append(file)
        warm.run(at=datetime(2024, 1, day, 1, tzinfo=UTC))
        if taken_back in batch:
            warm.run(at=datetime(2024, 1, day, 2, tzinfo=UTC), retract=(f"landing/{taken_back.key}",))
            there = [file for file in there if file.key != taken_back.key]
        in_force = [(file.key, file.content) for file in there if file.day <= day]
        shown = published(warm)
        assert oracle.without_bare_keys(shown) == oracle.without_bare_keys(oracle.marts(in_force)), f"day {day}"
        with warm.connect() as connection:
            rebuild(connection)
        assert published(warm) == shown
