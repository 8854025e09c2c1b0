"""c360 generate: sample data."""

import time
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from cli.options import JsonOption, examples
from cli.output import Output, file_size, short_path, table

EXAMPLES = examples(
    "c360 generate                          into ./sample",
    "c360 generate --scale 100 --out big    a hundred times as much",
    "c360 generate --seed 7 --end 2026-12-31 --days 90",
)
_DATE = ["%Y-%m-%d"]


def command(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("sample"),
    customers: Annotated[int, typer.Option(help="Rows of customers.csv.")] = 10_000,
    products: Annotated[int, typer.Option(help="Rows of products.csv.")] = 5_000,
    transactions: Annotated[int, typer.Option(help="Rows of transactions.csv.")] = 100_000,
    scale: Annotated[int, typer.Option(min=1, help="Multiply all three.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes; another one, other data.")] = 42,
    days: Annotated[int | None, typer.Option(min=1, help="Length of the order window (365).")] = None,
    start: Annotated[datetime | None, typer.Option(formats=_DATE, help="First day of the order window.")] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=_DATE, help="Last day of the order window (2026-10-31).")
    ] = None,
    lines_per_order: Annotated[int, typer.Option(help="Orders have 1 to this many lines.")] = 1,
    gzip: Annotated[bool, typer.Option("--gzip", help="Write .csv.gz.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are not an earlier sample.")] = False,
    json: JsonOption = False,
) -> None:
    """Write realistic sample data: customers.csv, products.csv, transactions.csv.

    The same options give the same bytes, on every machine and every day. Memory does not grow with the size.
    """
    from cli.sample import SampleShape, generate
    from cli.sample.shape import window

    first, last = window(start and start.date(), end and end.date(), days)
    shape = SampleShape(
        customers * scale, products * scale, transactions * scale, seed, first, last, lines_per_order, gzip
    )
    output = Output(as_json=json)
    began = time.monotonic()
    with output.advancing("rows") as advance:
        sample = generate(shape, out, force=force, progress=advance)
    seconds = round(time.monotonic() - began, 2)
    output.show(
        table(
            ["file", "rows", "size"],
            [[short_path(out / file.name), file.rows, file_size(file.bytes)] for file in sample.files],
        )
    )
    output.show(f"revenue {Decimal(sample.revenue):,} · seed {seed} · orders {first} to {last} · {seconds} s")
    output.result(
        {
            "out": str(out),
            "seed": seed,
            "start": first,
            "end": last,
            "files": [asdict(file) | {"path": str(out / file.name)} for file in sample.files],
            "revenue": sample.revenue,
            "seconds": seconds,
        }
    )
