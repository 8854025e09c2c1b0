"""Answers as of an instant, at up to 1 million orders, and what 32 of their callers cost who asks for one customer."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.api import goals
from benchmarks.api.load_generator import Load, load
from functions.api.paging import cursor

CALLERS = 32
_AS_OF = "as_of=2026-03-01"


def pages(port: int, orders: int) -> list[str]:
    """Lines: milliseconds of pages of 100 as of an instant, one caller, in the middle of each list."""
    lines = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        for path, key in (
            ("/orders", [f"T{orders // 2:09}", "1", "P000000"]),
            ("/customers", [f"C{orders // 20:08}"]),
            ("/products", ["P002500"]),
        ):
            sort = "transaction_id" if path == "/orders" else f"{path[1:-1]}_id"
            taken = []
            for _ in range(30):
                target = f"{path}?{_AS_OF}&limit=100&cursor={cursor.encode(sort, key)}"
                began = time.perf_counter()
                client.get(target).raise_for_status()
                taken.append((time.perf_counter() - began) * 1000)
            p50 = statistics.median(taken[5:])
            lines.append(
                goals.at_most(f"{path} as of an instant at {orders:,} orders, page of 100, p50 in ms", p50, 100)
            )
    return lines


def _customers(port: int, orders: int, seconds: int) -> Load:
    """One caller after the other asks for one customer."""
    paths = [f"/customers/C{number:08}" for number in range(0, orders // 10, 7)]
    return load(port, paths, connections=1, seconds=seconds)


@contextmanager
def _callers_of_lists(port: int, orders: int) -> Iterator[None]:
    """So many callers page through lists as of an instant, in a process of their own, until the block ends."""
    keys = [f"T{number:09}" for number in range(0, orders, orders // 1000)]
    paths = [f"/orders?{_AS_OF}&cursor={cursor.encode('transaction_id', [key, '1', 'P000000'])}" for key in keys]
    paths += [f"/customers?{_AS_OF}&cursor={cursor.encode('customer_id', [f'C{n:08}'])}" for n in range(1000)]
    paths += [f"/orders?{_AS_OF}&status=none", f"/customers?{_AS_OF}&segment=none", f"/products?{_AS_OF}"] * 100
    paths += [f"/customers?{_AS_OF}&sort=-lifetime_value"] * 100
    with tempfile.TemporaryDirectory(prefix="c360-load-") as folder:
        listed = Path(folder) / "paths"
        listed.write_text("\n".join(paths))
        arguments = ["127.0.0.1", str(port), str(CALLERS), "60", str(listed), ""]
        callers = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.api.load_generator", *arguments], stdout=subprocess.DEVNULL
        )
        try:
            time.sleep(2)
            yield
        finally:
            callers.terminate()
            callers.wait()


def beside_lists(port: int, orders: int, *, rounds: int, seconds: int) -> list[str]:
    """Lines: latency of one customer alone and beside the callers of lists, in turns, and what the goal is."""
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(_customers(port, orders, seconds))
        with _callers_of_lists(port, orders):
            beside.append(_customers(port, orders, seconds))
    p99 = {name: statistics.median(each.p99 for each in loads) for name, loads in (("a", alone), ("b", beside))}
    p50 = {name: statistics.median(each.p50 for each in loads) for name, loads in (("a", alone), ("b", beside))}
    failed = sum(each.failed for each in (*alone, *beside))
    times = statistics.median(with_them.p99 / without.p99 for with_them, without in zip(beside, alone, strict=True))
    return [
        f"one customer: p50 {p50['a']:.1f} ms, p99 {p99['a']:.1f} ms",
        f"beside {CALLERS} callers of such lists: p50 {p50['b']:.1f} ms, p99 {p99['b']:.1f} ms; {failed} failed",
        goals.at_most(f"p99 of one customer beside {CALLERS} callers of lists as of an instant, times", times, 1.5),
    ]
