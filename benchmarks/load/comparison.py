"""Raw COPY, the vault's rows alone, the common approach and ours: the same files, on one PostgreSQL as it is set.

python -m benchmarks load [--scale 1|10|100] [--repeat N] [--loads N]

First load, the same rows a day later, a delta of one percent, and all rows changed. Seconds are wall clock from the
first byte of staging to the last satellite, files read from disk, without LocalStack; what else a night of ours does is
listed beside it.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.load.common_approach import CommonApproach, CommonMultiRow
from benchmarks.load.files import Files, changed_files, orders_of, sample_files
from benchmarks.load.ours import OurLoad
from benchmarks.load.raw_copy import RawCopy
from benchmarks.load.result import Result
from benchmarks.load.rows_alone import RowsAlone
from local.servers.postgres import PostgresServer

type Approach = RawCopy | RowsAlone | CommonApproach | OurLoad
type Measured = dict[str, dict[str, list[Result]]]
"""Approach -> load -> its results, one for each repetition."""

APPROACHES: tuple[type[Approach], ...] = (RawCopy, RowsAlone, CommonApproach, CommonMultiRow, OurLoad)
_LOADS = (
    ("first load", "2026-11-01"),
    ("unchanged", "2026-11-02"),
    ("1 % delta", "2026-11-03"),
    ("all changed", "2026-11-04"),
)


def measure(scale: int, repeat: int, without: Sequence[str], loads: int) -> tuple[Measured, Files, Files]:
    """Run everything on a server of its own, which is gone afterwards."""
    measured: Measured = {}
    with tempfile.TemporaryDirectory(prefix="c360-bench-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)  # PostgreSQL, which never runs as root, must enter
        whole = sample_files(folder / "whole", scale)
        delta = changed_files(whole, folder / "delta", one_in=100)
        files = [whole, whole, delta, *([changed_files(whole, folder / "changed", one_in=1)] if loads > 3 else [])]
        server = PostgresServer(folder / "postgres")
        with server.running():
            for _ in range(repeat):
                for approach in APPROACHES:
                    if approach.name not in without:
                        _measure(
                            server,
                            approach,
                            files[: 1 if approach is RowsAlone else loads],
                            measured.setdefault(approach.name, {}),
                        )
    return measured, whole, delta


def _measure(
    server: PostgresServer, approach: type[Approach], files: list[Files], results: dict[str, list[Result]]
) -> None:
    with psycopg.connect(server.url_for("postgres"), autocommit=True) as admin:
        admin.execute("create database measured")
        try:
            measured = approach(server.url_for("measured"))
            measured.prepare()
            for (load, day), these in zip(_LOADS, files, strict=False):
                results.setdefault(load, []).append(measured.load(these, day))
            with psycopg.connect(server.url_for("measured")) as connection:
                orders = connection.execute(approach.orders.encode()).fetchone()
            assert orders == (orders_of(files),), f"{approach.name} holds {orders} orders"
        finally:
            admin.execute(sql.SQL("drop database measured with (force)"))


def table(measured: Measured, whole: Files, delta: Files) -> str:
    """The results as text: medians of the repetitions, and ratios."""
    repeat = len(next(iter(measured.values()))["first load"])
    median = f", medians of {repeat}" if repeat > 1 else ""
    lines = [
        f"load of {whole.rows:,} rows ({whole.bytes / 1e6:,.1f} MB), delta of {delta.rows:,}{median}",
        f"{'':21}{'':12}{'seconds':>9}{'WAL MB':>9}   parts",
    ]
    for approach, loads in measured.items():
        for load, results in loads.items():
            result = _median(results)
            parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in result.parts.items())
            lines.append(f"{approach:21}{load:12}{result.seconds:>9.2f}{result.wal / 1e6:>9.1f}   {parts}")
            if result.beside:
                beside = ", ".join(f"{part} {seconds:.2f}" for part, seconds in result.beside.items())
                lines.append(f"{'':54}beside: {beside}")
    lines.append("")
    lines += [_sizes(approach, loads) for approach, loads in measured.items()]
    return "\n".join([*lines, "", *_ratios(measured), *_night(measured)])


def _median(results: list[Result]) -> Result:
    middle = statistics.median_low([result.seconds for result in results])
    return next(result for result in results if result.seconds == middle)


def _sizes(approach: str, loads: dict[str, list[Result]]) -> str:
    sizes = {load: _median(results).sizes for load, results in loads.items()}
    first, last = sizes[_LOADS[0][0]], list(sizes.values())[-1]
    shown = ", ".join(f"{schema} {first.get(schema, 0) / 1e6:.1f} to {last[schema] / 1e6:.1f}" for schema in last)
    return f"{approach:21}MB after the first and the last load: {shown}"


def _ratios(measured: Measured) -> list[str]:
    if "ours" not in measured:
        return []
    ours = {load: _median(results).seconds for load, results in measured["ours"].items()}
    lines = []
    if "1 % delta" in ours:
        lines.append(f"ours: a 1 % delta takes {ours['1 % delta'] / ours['first load']:.1%} of the first load")
    for approach, loads in measured.items():
        if approach == "ours":
            continue
        other = {load: _median(results).seconds for load, results in loads.items()}
        ratios = ", ".join(f"{load} {other[load] / ours[load]:.2f}" for load in other)
        lines.append(f"{approach} / ours: {ratios}")
        if approach == RawCopy.name:
            lines.append(f"ours / {approach}: first load {ours['first load'] / other['first load']:.1f}")
    return lines


def _night(measured: Measured) -> list[str]:
    """What a night takes until readers see it, as times the raw COPY of the same bytes: medians of each."""
    if not {OurLoad.name, RawCopy.name} <= measured.keys():
        return []
    nights = {load: statistics.median(each.night for each in results) for load, results in measured["ours"].items()}
    copies = {
        load: statistics.median(each.seconds for each in results) for load, results in measured[RawCopy.name].items()
    }
    shown = ", ".join(f"{load} {night:.2f} s = {night / copies[load]:.1f}" for load, night in nights.items())
    return [f"night (load, checks and marts) / {RawCopy.name}: {shown}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks load", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--scale", type=int, default=1, choices=(1, 10, 100), help="times 115,000 rows (1)")
    parser.add_argument("--repeat", type=int, default=1, help="repetitions, of which the median counts (1)")
    parser.add_argument("--loads", type=int, default=4, choices=(1, 2, 3, 4), help="only the first so many loads (4)")
    parser.add_argument("--without", action="append", default=[], choices=[each.name for each in APPROACHES])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    measured, whole, delta = measure(options.scale, options.repeat, options.without, options.loads)
    if options.json:
        plain = {
            approach: {load: [asdict(result) | {"seconds": result.seconds} for result in results]}
            for approach, loads in measured.items()
            for load, results in loads.items()
        }
        print(json.dumps({"rows": whole.rows, "bytes": whole.bytes, "delta_rows": delta.rows, "loads": plain}))
        return
    print(table(measured, whole, delta))


if __name__ == "__main__":
    main()
