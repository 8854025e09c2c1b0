"""The files of the load benchmark: the sample at a scale, and parts of it whose rows have changed."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cli.sample import SampleShape, generate

SOURCES = ("customers", "products", "transactions")


@dataclass(frozen=True)
class Files:
    """One CSV file for each source, in a folder."""

    folder: Path
    rows: int
    bytes: int

    def path(self, source: str) -> Path:
        """The file of a source."""
        return self.folder / f"{source}.csv"


def sample_files(folder: Path, scale: int) -> Files:
    """115,000 rows times `scale`: customers, products, transactions."""
    shape = SampleShape(customers=10_000 * scale, products=5_000 * scale, transactions=100_000 * scale)
    sample = generate(shape, folder)
    return Files(folder, sum(file.rows for file in sample.files), sum(file.bytes for file in sample.files))


def changed_files(whole: Files, folder: Path, one_in: int) -> Files:
    """Every so many of the rows of each file: descriptions that changed, and orders of which half are new."""
    folder.mkdir()
    rows = 0
    for source in SOURCES:
        with whole.path(source).open(newline="") as read, (folder / f"{source}.csv").open("w", newline="") as written:
            reader = csv.DictReader(read)
            writer = csv.DictWriter(written, reader.fieldnames or (), lineterminator="\n")
            writer.writeheader()
            for number, row in enumerate(reader):
                if number % one_in == 0:
                    writer.writerow(_changed(source, row, is_new=number % (2 * one_in) == 0))
                    rows += 1
    return Files(folder, rows, sum((folder / f"{source}.csv").stat().st_size for source in SOURCES))


def orders_of(files: Iterable[Files]) -> int:
    """How many orders the files name."""
    orders: set[str] = set()
    for each in files:
        with each.path("transactions").open(newline="") as read:
            orders.update(row["transaction_id"] for row in csv.DictReader(read))
    return len(orders)


def _changed(source: str, row: dict[str, str], *, is_new: bool) -> dict[str, str]:
    match source:
        case "customers":
            return row | {"city": f"New {row['city']}"}
        case "products":
            return row | {"supplier": f"New {row['supplier']}"}
        case _ if is_new:
            return row | {"transaction_id": f"N{row['transaction_id']}"}
        case _:
            return row | {"order_status": f"re-{row['order_status']}"}
