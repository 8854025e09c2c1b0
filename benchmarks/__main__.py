"""`make bench`: every figure that the documents quote. `python -m benchmarks load --scale 10`: one of them."""

import sys
from collections.abc import Callable, Sequence

from benchmarks import api_throughput, load, panels, platform_tables, stream_tables

BENCHMARKS: dict[str, Callable[[Sequence[str]], None]] = {
    "load": load.main,
    "api": api_throughput.main,
    "panels": panels.main,
    "platform": platform_tables.main,
    "stream": stream_tables.main,
}


def main() -> None:
    """Run the benchmark that is named, with the arguments that follow; all of them when none is."""
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
