"""The marts hold, to the cent, what plain Python computes from the same CSV files."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from cli.sample import SampleShape, generate
from tests.support import oracle
from tests.support.csv_files import transactions, write_csv
from tests.support.database_state import published
from tests.support.night import Night
from tests.support.shop import SHOP


def test_the_marts_hold_what_plain_python_computes(night: Night) -> None:
    for key, content in SHOP.items():
        night.drop(key, content)
    report = night.run()
    assert published(night) == oracle.marts(SHOP.items())
    totals = report["totals"]
    assert totals["loaded"] == totals["rows_read"] == 17


def test_the_figures_of_one_customer_by_hand(night: Night) -> None:
    for key, content in SHOP.items():
        night.drop(key, content)
    night.run()
    by_id = {row[0]: row[10:15] for row in published(night).customers}
    first, last = datetime(2024, 1, 1, 10, tzinfo=UTC), datetime(2024, 2, 1, 21, 59, 59, tzinfo=UTC)
    assert by_id["C1"] == (2, Decimal("10.325"), Decimal("5.16"), first, last)
    assert by_id["C3"] == (0, Decimal(0), None, None, None)
    assert by_id["C9"] == (1, Decimal(5), Decimal("5.00"), first, first)
    assert set(by_id) == {"C1", "C2", "C3", "C9", "c1", " C1"}, "the anonymous sale is nobody's"
    sold = {row[0]: row[6:10] for row in published(night).products}
    assert sold["P1"] == (6, 5, Decimal("90071992547530.145"), Decimal("18014398509506.03"))
    assert sold["P3"] == (0, 0, Decimal(0), None)


def test_the_generated_sample_adds_up_to_the_cent(night: Night, tmp_path: Path) -> None:
    generate(SampleShape(customers=150, products=40, transactions=900), tmp_path)
    files = {
        f"{path.name.split('.')[0]}/dt=2024-01-01/{path.name}": path.read_text(encoding="utf-8")
        for path in sorted(tmp_path.glob("*.csv"))
    }
    assert len(files) == 3
    for key, content in files.items():
        night.drop(key, content)
    report = night.run()
    expected = oracle.marts(files.items())
    assert published(night) == expected
    assert sum(row[11] for row in published(night).customers) == sum(line[7] for line in expected.lines if line[2])
    assert report["totals"]["loaded"] == report["totals"]["rows_read"] > 1000


def test_an_order_given_to_another_customer_takes_its_revenue_along(night: Night) -> None:
    first = {"transactions/dt=2024-01-01/a.csv": transactions({"customer_id": "C1", "total_amount": "7.77"})}
    corrected = {"transactions/dt=2024-01-02/a.csv": transactions({"customer_id": "C2", "total_amount": "7.77"})}
    anonymous = {"transactions/dt=2024-01-03/a.csv": transactions({"customer_id": "", "total_amount": "7.77"})}
    files: dict[str, str] = {}
    for night_files, owners in ((first, ["C1"]), (corrected, ["C2"]), (anonymous, [])):
        files |= night_files
        for key, content in night_files.items():
            night.drop(key, content)
        night.run()
        assert published(night) == oracle.marts(files.items())
        assert [row[0] for row in published(night).customers if row[11]] == owners


def test_an_anonymous_sale_is_linked_to_the_zero_key(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({"customer_id": ""}))
    night.run()
    linked = "select h.customer_id, h.customer_hash_key from raw_vault.link_customer_order"
    assert night.rows(f"{linked} join raw_vault.hub_customer as h using (customer_hash_key)") == [(None, bytes(16))]
    assert night.rows("select count(*) from raw_vault.hub_customer") == [(1,)]


def test_the_order_of_columns_is_free_and_optional_and_unknown_ones_do_not_matter(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/few.csv", "city,customer_id\nRome,C1\n")
    night.drop(
        "customers/dt=2024-01-01/more.csv",
        write_csv(
            ["loyalty", "email", "", "customer_id"], [{"loyalty": "7", "email": "b@example.com", "customer_id": "C2"}]
        ),
    )
    night.drop(
        "transactions/dt=2024-01-01/few.csv",
        "total_amount,unit_price,quantity,order_date,product_id,transaction_id\n3,3,1,2024-01-01,P1,T1\n",
    )
    report = night.run()
    assert [file["loaded"] for file in report["files"]] == [1, 1, 1]
    assert [(row[0], row[3], row[7]) for row in published(night).customers] == [
        ("C1", None, "Rome"),
        ("C2", "b@example.com", None),
    ]
    assert [row[:4] for row in published(night).lines] == [("T1", 1, None, "P1")]


def test_lines_without_a_number_are_numbered_by_their_product(night: Night) -> None:
    first, second = {"quantity": "1", "total_amount": "5.00"}, {"quantity": "2", "total_amount": "10.00"}
    night.drop(
        "transactions/dt=2024-01-01/a.csv",
        transactions({"product_id": "P2"}, second, first, {**second, "line_number": "2", "transaction_id": "T2"}),
    )
    (file,) = night.run()["files"]
    assert (file["loaded"], file["duplicate"]) == (4, 0)
    assert [(*row[:2], row[3], row[7]) for row in published(night).lines] == [
        ("T1", 1, "P1", Decimal(5)),
        ("T1", 1, "P2", Decimal(10)),
        ("T1", 2, "P1", Decimal(10)),
        ("T2", 2, "P1", Decimal(10)),
    ]


def test_a_number_may_be_written_in_several_ways(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({"line_number": "1"}, {"line_number": "01"}))
    (file,) = night.run()["files"]
    assert (file["loaded"], file["duplicate"], file["overruled"]) == (1, 1, 0)
    assert [row[:4] for row in published(night).lines] == [("T1", 1, "C1", "P1")]
