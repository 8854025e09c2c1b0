"""The vault of the same staged files in PostgreSQL and in Iceberg tables by Spark, each on all cores of this machine.

python -m benchmarks engine [--scale 1|10|100] [--loads N] [--memory 4g]

First load, the same rows a day later, and a delta of one percent. The figure is from staged rows to the last
satellite; Spark's includes the start of its process and that the rows are handed over. Staging is the same for both.
Processor seconds are those of all processes together. Spark must be installed (c360 engine install).
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.engine.cpu import CPU
from benchmarks.engine.spark_load import PostgresLoad, SparkLoad
from benchmarks.load.files import Files, changed_files, sample_files
from benchmarks.load.result import Result
from local.servers.postgres import PostgresServer
from local.spark.spark import ENVIRONMENT, java_version

_LOADS = (("first load", "2026-11-01"), ("unchanged", "2026-11-02"), ("1 % delta", "2026-11-03"))
_OF_THE_VAULT = ("vault", "rows to Spark", "Spark", "ledger")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks engine", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--scale", type=int, default=1, choices=(1, 10, 100), help="times 115,000 rows (1)")
    parser.add_argument("--loads", type=int, default=3, choices=(1, 2, 3), help="only the first so many loads (3)")
    parser.add_argument("--memory", default="4g", help="of Spark's process (4g)")
    options = parser.parse_args(arguments)
    if not ENVIRONMENT.is_dir():
        print("engine: left out, as Spark is not installed (c360 engine install)")
        return
    java_version()
    with tempfile.TemporaryDirectory(prefix="c360-bench-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)  # PostgreSQL, which never runs as root, must enter
        whole = sample_files(folder / "whole", options.scale)
        files = [whole, whole, changed_files(whole, folder / "delta", one_in=100)][: options.loads]
        server = PostgresServer(folder / "postgres")
        with server.running():
            _compare(server, folder / "spark", files, options.memory)


def _compare(server: PostgresServer, folder: Path, files: list[Files], memory: str) -> None:
    names = ("in_postgresql", "in_spark")
    with psycopg.connect(server.url_for("postgres"), autocommit=True) as admin:
        for name in names:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    ours = PostgresLoad(server.url_for(names[0]), server)
    spark = SparkLoad(server.url_for(names[1]), server, folder, memory)
    print(f"vault of {files[0].rows:,} rows ({files[0].bytes / 1e6:,.1f} MB), seconds from staged rows to satellites")
    for each in (ours, spark):
        each.prepare()
    for (load, day), these in zip(_LOADS, files, strict=False):
        results = {"PostgreSQL": ours.load(these, day), "Spark": spark.load(these, day)}
        seconds = {name: _seconds(result) for name, result in results.items()}
        cpu = {name: result.beside.pop(CPU) for name, result in results.items()}
        for name, result in results.items():
            parts = ", ".join(f"{part} {spent:.1f}" for part, spent in result.parts.items() if part in _OF_THE_VAULT)
            print(f"{load:12}{name:12}{seconds[name]:>9.1f}{cpu[name]:>9.1f} CPU   {parts}")
        steps = sorted(results["Spark"].beside.items(), key=lambda item: -item[1])
        print(f"{'':33}longest steps: " + ", ".join(f"{step} {spent:.1f}" for step, spent in steps[:4]))
        ratios = [each["Spark"] / each["PostgreSQL"] for each in (seconds, cpu)]
        print(f"{'':12}Spark / PostgreSQL {ratios[0]:.2f}, of processor time {ratios[1]:.2f}", flush=True)
    print(f"Iceberg tables: {spark.bytes() / 1e6:,.1f} MB, all snapshots together")


def _seconds(result: Result) -> float:
    return sum(spent for part, spent in result.parts.items() if part in _OF_THE_VAULT)
