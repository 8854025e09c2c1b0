"""`make bench`: every figure that the documents quote. `python -m benchmarks load --scale 10`: one of them."""

import signal
import sys
from collections.abc import Callable, Sequence

from benchmarks.api import panels, throughput
from benchmarks.engine import comparison as engine_comparison
from benchmarks.load import comparison
from benchmarks.platform import tables as platform_tables
from benchmarks.stream import tables as stream_tables

BENCHMARKS: dict[str, Callable[[Sequence[str]], None]] = {
    "load": comparison.main,
    "api": throughput.main,
    "panels": panels.main,
    "platform": platform_tables.main,
    "stream": stream_tables.main,
    "engine": engine_comparison.main,
}


TERMINATED = 128 + signal.SIGTERM


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what stops the platform is not to be interrupted
    raise SystemExit(TERMINATED)


def main() -> None:
    """Run the benchmark that is named, with the arguments that follow; all of them when none is.

    SIGTERM ends it as Ctrl-C does: what it has started is stopped.
    """
    signal.signal(signal.SIGTERM, _end)
    name, *arguments = sys.argv[1:] or ["all"]
    if name == "all":
        for benchmark in BENCHMARKS.values():
            benchmark([])
            print()
    elif name in BENCHMARKS:
        BENCHMARKS[name](arguments)
    else:
        sys.exit(f"usage: python -m benchmarks [{'|'.join(BENCHMARKS)}] …")


if __name__ == "__main__":
    main()
