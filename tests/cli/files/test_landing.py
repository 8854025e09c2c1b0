"""Which key a file gets, and what is refused before anything is uploaded."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cli.errors import FileProblemError, UsageError
from cli.files.landing import Placed, place, source_of
from functions.common.landing import parse_key

HEADERS = {
    "customers": "customer_id,first_name,last_name\n",
    "products": "product_id,product_name\n",
    "transactions": "transaction_id,customer_id,product_id\n",
}


def _file(folder: Path, name: str, content: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


def test_a_file_lands_under_its_source_and_todays_date(tmp_path: Path) -> None:
    before = datetime.now(UTC).date()
    [placed] = place([_file(tmp_path, "customers.csv")])
    days = {before, datetime.now(UTC).date()}  # two when midnight passes
    assert placed.key in {f"landing/customers/dt={day}/customers.csv" for day in days}


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"day": date(2026, 1, 2)}, "landing/products/dt=2026-01-02/products.csv.gz"),
        ({"dated": False}, "landing/products/products.csv.gz"),
        ({"day": date(2026, 1, 2), "snapshot": True}, "landing/products/snapshot/dt=2026-01-02/products.csv.gz"),
        ({"dated": False, "snapshot": True}, "landing/products/snapshot/products.csv.gz"),
        ({"source": "customers", "dated": False}, "landing/customers/products.csv.gz"),
        ({"key": "landing/products/dt=2026-01-02/other.csv.gz"}, "landing/products/dt=2026-01-02/other.csv.gz"),
    ],
)
def test_options_shape_the_key(options: dict[str, object], key: str, tmp_path: Path) -> None:
    file = _file(tmp_path, "products.csv.gz", HEADERS["products"])
    assert [each.key for each in place([file], **options)] == [key]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "a.csv",
        "dt=2026-01-02/a.csv",
        "at=20260102T030405Z/a.csv",
        "at=20260102T030405.678901Z/a.csv.gz",
        "snapshot/at=20260102T030405Z/a.csv",
        "snapshot/dt=2026-01-02/a.csv.replay-0123456789ab.csv",
    ],
)
def test_every_key_that_the_load_reads_can_be_given(name: str, tmp_path: Path) -> None:
    key = f"landing/customers/{name}"
    assert parse_key(key, datetime.now(UTC)) is not None
    assert place([_file(tmp_path, "customers.csv")], key=key) == [Placed(tmp_path / "customers.csv", "customers", key)]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("customers.csv", "customers"),
        ("2026_CUSTOMER_export.csv", "customers"),
        ("product-list.csv", "products"),
        ("transactions_01.csv.gz", "transactions"),
    ],
)
def test_the_name_tells_the_source(name: str, source: str, tmp_path: Path) -> None:
    assert source_of(_file(tmp_path, name)) == source


@pytest.mark.parametrize("name", ["export.csv", "export.csv.gz", "customer_products.csv"])
@pytest.mark.parametrize("source", list(HEADERS))
def test_the_header_tells_the_source_when_the_name_does_not(name: str, source: str, tmp_path: Path) -> None:
    assert source_of(_file(tmp_path, name, "\ufeff" + HEADERS[source])) == source


def test_a_source_that_nothing_tells_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="add --source"):
        place([_file(tmp_path, "export.csv", "a,b\n1,2\n")])


def test_a_name_and_a_header_that_disagree_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--source"):
        place([_file(tmp_path, "customers.csv", HEADERS["transactions"])])


def test_a_broken_file_can_be_dropped_by_its_name(tmp_path: Path) -> None:
    broken = tmp_path / "customers.csv.gz"
    broken.write_bytes(b"not gzip")
    assert place([broken])[0].source == "customers"


def test_a_folder_stands_for_its_csv_files(tmp_path: Path) -> None:
    for name in ("customers.csv", "products.csv.gz", "manifest.json"):
        _file(tmp_path, name, HEADERS["customers"] if name == "customers.csv" else "")
    assert [each.file.name for each in place([tmp_path])] == ["customers.csv", "products.csv.gz"]


def test_two_files_for_one_key_are_refused(tmp_path: Path) -> None:
    files = [_file(tmp_path, "a/customers.csv"), _file(tmp_path, "b/customers.csv")]
    with pytest.raises(UsageError, match="both become"):
        place(files)


@pytest.mark.parametrize("name", ["customers.txt", "customers.CSV", "customers.csv.zip"])
def test_what_the_load_would_not_read_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileProblemError, match=r"\.csv and \.csv\.gz only"):
        place([_file(tmp_path, name)])


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileProblemError, match="there is no file"):
        place([tmp_path / "customers.csv"])
    with pytest.raises(FileProblemError, match="holds no"):
        place([tmp_path])


@pytest.mark.parametrize(
    "key",
    [
        "customers.csv",
        "landing/orders/a.csv",
        "landing/customers/a.txt",
        "landing/customers/dt=2026-02-30/a.csv",
        "landing/customers/at=20260230T000000Z/a.csv",
        "landing/customers/at=20260102T030405/a.csv",
        "landing/customers/at=20260102T030405Z/dt=2026-01-02/a.csv",
        "landing/customers/dt=2026-01-01/snapshot/a.csv",
        "landing/customers/deep/a.csv",
    ],
)
def test_a_key_that_the_load_would_not_find_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--as"):
        place([_file(tmp_path, "customers.csv")], key=key)


def test_one_key_is_for_one_file_and_its_own_source(tmp_path: Path) -> None:
    files = [_file(tmp_path, "customers.csv"), _file(tmp_path, "products.csv")]
    with pytest.raises(UsageError, match="one object"):
        place(files, key="landing/customers/a.csv")
    with pytest.raises(UsageError, match="is for customers"):
        place(files[:1], key="landing/customers/a.csv", source="products")
