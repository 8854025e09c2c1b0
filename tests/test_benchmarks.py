"""Benchmarks leave nothing behind, however they end."""

import subprocess
import sys

from benchmarks.__main__ import TERMINATED

PROGRAM = """
import sys, time
from benchmarks import __main__ as benchmarks

def slow(arguments):
    try:
        print("started", flush=True)
        time.sleep(60)
    finally:
        print("stopped", flush=True)

benchmarks.BENCHMARKS = {"slow": slow}
sys.argv = ["benchmarks", "slow"]
benchmarks.main()
"""


def test_a_benchmark_that_is_terminated_stops_what_it_has_started() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None
        assert benchmark.stdout.readline() == "started\n"
        benchmark.terminate()
        assert benchmark.stdout.read() == "stopped\n"
        assert benchmark.wait(10) == TERMINATED
