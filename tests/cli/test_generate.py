"""The sample data: the same bytes for the same shape, the shares asked for, and figures that add up."""

import csv
import gzip
import hashlib
import json
import tracemalloc
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from cli.errors import FileProblemError, UsageError
from cli.sample import Sample, SampleShape, generate, read_manifest
from cli.sample import rows as sample_rows
from cli.sample.draws import Draws, apportion
from cli.sample.shape import window
from cli.sample.vocabulary import CITIES

SMALL = SampleShape(customers=300, products=70, transactions=2_000)
PINNED = {
    "customers.csv": "590ac5f7c0a8e040273937773ccd62fc2f349d507e93b9668722d87f6c8d1f04",
    "products.csv": "a79daedfedf3f7cd07b3380f6b27fdbec872a4ab1f5f92823f8d722754c57b6c",
    "transactions.csv": "68e80ce8589c8d9f309a5a6bd99a029d93de7b9e6159dd0cc1ff6dd1011d65e4",
}
"""Change these only together with GENERATOR_VERSION."""


def _read(sample: Sample, source: str) -> list[dict[str, str]]:
    with (sample.folder / f"{source}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The default sample, in the size that the demo loads."""
    return generate(SampleShape(), tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def customers(sample: Sample) -> list[dict[str, str]]:
    return _read(sample, "customers")


@pytest.fixture(scope="module")
def transactions(sample: Sample) -> list[dict[str, str]]:
    return _read(sample, "transactions")


def test_the_bytes_of_a_sample_are_pinned(tmp_path: Path) -> None:
    made = generate(SMALL, tmp_path)
    on_disk = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.paths}
    assert on_disk == PINNED
    assert {file.name: file.sha256 for file in made.files} == PINNED


def test_another_seed_gives_other_rows_of_the_same_number(tmp_path: Path) -> None:
    other = generate(SampleShape(customers=300, products=70, transactions=2_000, seed=43), tmp_path)
    assert [file.rows for file in other.files] == [300, 70, 2_000]
    assert not {file.sha256 for file in other.files} & set(PINNED.values())


def test_gzip_holds_the_same_content_and_no_time(tmp_path: Path) -> None:
    shape = SampleShape(customers=300, products=70, transactions=2_000, gzip=True)
    first, second = generate(shape, tmp_path / "a"), generate(shape, tmp_path / "b")
    assert first.files == second.files
    for path in first.paths:
        content = gzip.decompress(path.read_bytes())
        assert hashlib.sha256(content).hexdigest() == PINNED[path.name.removesuffix(".gz")]


def test_draws_do_not_depend_on_how_many_are_made_at_once() -> None:
    draws = Draws(42)
    together = draws.bits("any", np.arange(100))
    one_by_one = [int(draws.bits("any", np.array([index]))[0]) for index in range(100)]
    assert together.tolist() == one_by_one
    assert draws.bits("other", np.arange(100)).tolist() != one_by_one


def test_the_columns_are_the_designs(sample: Sample) -> None:
    headers = {path.name: path.read_text("utf-8").partition("\n")[0] for path in sample.paths}
    assert headers == {
        "customers.csv": "customer_id,first_name,last_name,email,phone,signup_date,country,state,city,customer_segment",
        "products.csv": "product_id,product_name,category,price,cost,supplier",
        "transactions.csv": "transaction_id,customer_id,order_date,product_id,quantity,unit_price,total_amount,"
        "payment_method,order_status",
    }


def test_segments_are_40_30_20_10_percent(customers: list[dict[str, str]]) -> None:
    assert Counter(customer["customer_segment"] for customer in customers) == {
        "Bronze": 4_000,
        "Silver": 3_000,
        "Gold": 2_000,
        "Platinum": 1_000,
    }


def test_statuses_are_thirds(transactions: list[dict[str, str]]) -> None:
    counts = Counter(row["order_status"] for row in transactions)
    assert set(counts) == {"completed", "pending", "cancelled"}
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("total", [0, 1, 7, 10, 9_999, 30_001])
def test_shares_add_up_and_are_never_off_by_one_or_more(total: int) -> None:
    parts = apportion(total, (40, 30, 20, 10))
    assert sum(parts) == total
    assert all(abs(part - total * weight / 100) < 1 for part, weight in zip(parts, (40, 30, 20, 10), strict=True))


def test_keys_are_unique_and_every_reference_exists(
    sample: Sample, customers: list[dict[str, str]], transactions: list[dict[str, str]]
) -> None:
    customer_ids = {customer["customer_id"] for customer in customers}
    product_ids = {product["product_id"] for product in _read(sample, "products")}
    assert len(customer_ids) == 10_000
    assert len(product_ids) == 5_000
    assert len({row["transaction_id"] for row in transactions}) == 100_000
    assert {row["customer_id"] for row in transactions} <= customer_ids
    assert {row["product_id"] for row in transactions} <= product_ids


def test_amounts_are_exact_and_the_revenue_is_their_sum(sample: Sample, transactions: list[dict[str, str]]) -> None:
    total = Decimal(0)
    for row in transactions:
        assert Decimal(row["total_amount"]) == int(row["quantity"]) * Decimal(row["unit_price"])
        assert Decimal(row["unit_price"]).as_tuple().exponent == -2
        total += Decimal(row["total_amount"])
    assert sample.revenue == str(total)
    assert {row["quantity"] for row in transactions} == set("12345")


def test_prices_are_above_costs_and_not_all_round(sample: Sample) -> None:
    products = _read(sample, "products")
    assert all(Decimal(product["price"]) > Decimal(product["cost"]) > 0 for product in products)
    assert sum(product["price"].endswith(".00") for product in products) < len(products) / 4
    assert any('"' in product["product_name"] for product in products)
    assert any("," in product["supplier"] for product in products)


def test_nobody_orders_before_signing_up(customers: list[dict[str, str]], transactions: list[dict[str, str]]) -> None:
    signup = {customer["customer_id"]: customer["signup_date"] for customer in customers}
    assert all(signup[row["customer_id"]] < row["order_date"][:10] for row in transactions)


def test_orders_are_in_order_of_time_within_the_window(transactions: list[dict[str, str]]) -> None:
    instants = [datetime.fromisoformat(row["order_date"]) for row in transactions]
    assert instants == sorted(instants)
    assert (instants[0].date(), instants[-1].date()) == (date(2025, 11, 1), date(2026, 10, 31))
    assert instants[0].utcoffset() == timedelta(0)


def test_some_customers_never_order_and_a_few_order_much(
    customers: list[dict[str, str]], transactions: list[dict[str, str]]
) -> None:
    orders = Counter(row["customer_id"] for row in transactions)
    silent = len(customers) - len(orders)
    assert 500 < silent < 2_000
    busiest = sum(count for _, count in orders.most_common(1_000))
    assert busiest > 0.35 * len(transactions)


def test_places_fit_together_and_contacts_reach_nobody(customers: list[dict[str, str]]) -> None:
    places = {(city.country, city.state, city.city): city.phone_prefix for city in CITIES}
    for customer in customers:
        prefix = places[customer["country"], customer["state"], customer["city"]]
        assert customer["phone"].startswith(prefix)
        assert "-555" in customer["phone"]
        assert customer["email"].rpartition("@")[2] in {"example.com", "example.org", "example.net"}
    assert len({customer["email"] for customer in customers}) == len(customers)
    assert any(not customer["last_name"].isascii() for customer in customers)


def test_lines_of_one_order_share_everything_but_the_product(tmp_path: Path) -> None:
    shape = SampleShape(customers=50, products=20, transactions=1_000, lines_per_order=3)
    orders = defaultdict(list)
    for row in _read(generate(shape, tmp_path), "transactions"):
        orders[row["transaction_id"]].append(row)
    sizes = Counter(len(lines) for lines in orders.values())
    assert set(sizes) == {1, 2, 3}
    assert sum(size * count for size, count in sizes.items()) == 1_000
    for lines in orders.values():
        assert len({line["product_id"] for line in lines}) == len(lines)
        for shared in ("customer_id", "order_date", "payment_method", "order_status"):
            assert len({line[shared] for line in lines}) == 1


@pytest.mark.parametrize(
    "shape",
    [
        SampleShape(1, 1, 1),
        SampleShape(1, 1, 0),
        SampleShape(3, 2, 7, start=date(2026, 2, 28), end=date(2026, 2, 28)),
        SampleShape(19, 1, 40, seed=-5),
    ],
)
def test_the_smallest_samples_are_whole(shape: SampleShape, tmp_path: Path) -> None:
    made = generate(shape, tmp_path)
    assert [file.rows for file in made.files] == [shape.customers, shape.products, shape.transactions]
    ids = {row["customer_id"] for row in _read(made, "customers")}
    assert {row["customer_id"] for row in _read(made, "transactions")} <= ids


def test_memory_does_not_grow_with_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_rows, "BLOCK", 600)  # small, since tracemalloc makes everything twenty times slower

    def peak_of(blocks: int) -> int:
        rows = blocks * sample_rows.BLOCK
        tracemalloc.start()
        for source in (sample_rows.customers, sample_rows.products, sample_rows.transactions):
            for _ in source(SampleShape(rows, rows, rows)):
                pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_of(1)
    assert peak_of(10) < 1.5 * peak_of(1)


def test_a_foreign_file_is_not_overwritten_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("mine\n")
    with pytest.raises(FileProblemError, match=r"products\.csv exists"):
        generate(SMALL, tmp_path)
    assert (tmp_path / "products.csv").read_text() == "mine\n"
    assert not (tmp_path / "customers.csv").exists()
    generate(SMALL, tmp_path, force=True)
    assert (tmp_path / "products.csv").read_text() != "mine\n"


def test_an_earlier_sample_is_replaced_but_an_edited_one_is_foreign(tmp_path: Path) -> None:
    generate(SMALL, tmp_path)
    generate(SampleShape(customers=10, products=5, transactions=20), tmp_path)
    with (tmp_path / "customers.csv").open("a") as stream:
        stream.write("my own row\n")
    with pytest.raises(FileProblemError, match=r"customers\.csv"):
        generate(SMALL, tmp_path)


def test_a_failure_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    generate(SMALL, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupt(name: str, _done: int, _total: int) -> None:
        if name == "customers.csv":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(SampleShape(customers=10), tmp_path, progress=interrupt)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_manifest_tells_whether_a_sample_is_intact(tmp_path: Path) -> None:
    made = generate(SMALL, tmp_path)
    again = read_manifest(tmp_path)
    assert again == made
    assert made.is_intact()
    (tmp_path / "customers.csv").write_text("")
    assert not made.is_intact()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"generator_version": 0}))
    assert read_manifest(tmp_path) is None


def test_the_window_follows_from_any_two_of_start_end_and_days() -> None:
    assert window(None, None, None) == (date(2025, 11, 1), date(2026, 10, 31))
    assert window(date(2026, 1, 1), None, 31) == (date(2026, 1, 1), date(2026, 1, 31))
    assert window(None, date(2026, 1, 31), 31) == (date(2026, 1, 1), date(2026, 1, 31))
    assert window(date(2026, 1, 1), date(2026, 1, 2), None) == (date(2026, 1, 1), date(2026, 1, 2))


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (date(2026, 1, 2), date(2026, 1, 1), None),
        (date(2026, 1, 1), date(2026, 1, 2), 5),
        (date.max, None, 2),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(start: date, end: date | None, days: int | None) -> None:
    with pytest.raises(UsageError):
        window(start, end, days)


@pytest.mark.parametrize(
    "wrong",
    [
        {"customers": 0},
        {"products": 0},
        {"transactions": -1},
        {"lines_per_order": 0},
        {"products": 2, "lines_per_order": 3},
        {"transactions": 2_000_000_000},
        {"start": date(1, 1, 1), "end": date(1, 2, 1)},
        {"start": date(2000, 1, 1)},
    ],
)
def test_a_shape_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        SampleShape(**wrong)  # type: ignore[arg-type]
